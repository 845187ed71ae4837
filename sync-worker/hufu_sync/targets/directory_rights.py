"""What Active Directory lets an account do, asked with that account itself: doors that should not stand open.

The server answers what is effective (sDRightsEffective and its kin), whatever rule, group or inheritance it comes from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, suppress

from hufu_registry.kernel.outbox import Kind
from hufu_sync.targets import dn as names
from hufu_sync.targets.active_directory import OURS, PAGE
from hufu_sync.targets.ldap_connection import DirectorySettings, Entry, LdapConnection, MissingError

ATTRIBUTES, CHILDREN, RULES = "allowedAttributesEffective", "allowedChildClassesEffective", "sDRightsEffective"
EFFECTIVE = (ATTRIBUTES, CHILDREN, RULES)
QUOTA = "ms-DS-MachineAccountQuota"
SHOWN = 5


def doors_of_domain(settings: DirectorySettings) -> Iterator[str]:
    """What the domain's own settings leave open to every account in it."""
    with closing(LdapConnection(settings)) as ldap:
        head = ldap.read(names.domain(settings.base_dn), ("lockoutThreshold", QUOTA))
    if head is None or not head.number("lockoutThreshold"):
        yield "no lockout: passwords may be guessed for ever (account lockout threshold of the domain)"
    if head is not None and head.number(QUOTA):
        yield f"every account may make {head.number(QUOTA)} computers ({QUOTA} of the domain)"


def doors_of_account(settings: DirectorySettings, *, reads: bool) -> Iterator[str]:
    """What the account of these settings may write, and, unless it `reads` for other systems, see of ours."""
    domain = names.domain(settings.base_dn)
    with closing(LdapConnection(settings)) as ldap:
        seen = next(ldap.pages(settings.base_dn, OURS[Kind.ACCOUNT], EFFECTIVE, PAGE))
        agencies = next(ldap.pages(settings.base_dn, OURS[Kind.AGENCY], EFFECTIVE, PAGE))
        others = [entry for entry in seen if names.normal(entry.dn) != names.normal(settings.bind_dn)]
        if others and not reads:
            yield f"reads {len(others)} of our accounts, {others[0].dn} among them"
        places = [ldap.read(dn, EFFECTIVE) for dn in (settings.bind_dn, settings.base_dn, domain, f"CN=Users,{domain}")]
        zones = [zone for place in _dns_of(domain) for zone in _zones(ldap, place)]
    for entry in (*places, *agencies, *others, *zones):
        if entry is not None and (rights := _writes(entry)):
            yield f"{'; '.join(rights)}: {entry.dn}"


def _dns_of(domain: str) -> Sequence[str]:
    return [f"DC=DomainDnsZones,{domain}", f"DC=ForestDnsZones,{domain}", f"CN=MicrosoftDNS,CN=System,{domain}"]


def _zones(ldap: LdapConnection, place: str) -> Sequence[Entry]:
    """Where there are any: a domain may have its DNS elsewhere."""
    with suppress(MissingError):
        return ldap.search(place, "(objectClass=dnsZone)", EFFECTIVE)
    return []


def _writes(entry: Entry) -> list[str]:
    said = []
    for what, name in (("writes", ATTRIBUTES), ("makes", CHILDREN)):
        values = sorted(value.decode() for value in entry.values.get(name.lower(), ()))
        if values:
            more = f" and {len(values) - SHOWN} more" if len(values) > SHOWN else ""
            said.append(f"{what} {', '.join(values[:SHOWN])}{more}")
    if entry.number(RULES):
        said.append("changes who may do what")
    return said
