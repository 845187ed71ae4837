"""Changing single agencies by hand: units, names, places, ends."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from hufu_registry.agencies.model import HOMES, OID_SHAPE, Agency, AgencyKind
from hufu_registry.agencies.model.naming import MOST_SHORT_NAMES, NAME, OID, SHORT_NAME, UNIT_NAME
from hufu_registry.agencies.permissions import EDIT_AGENCIES, EDIT_UNITS
from hufu_registry.agencies.use_cases.ports import NewAgency, Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.texts import STOPS, Text, narrow
from hufu_registry.kernel.work import Services

DOMAIN = Text(253, lambda text: narrow(text).translate(STOPS).lower())
DOMAIN_SHAPE = re.compile(r"^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])$")
MAX_DOMAINS = 20


@dataclass(frozen=True, slots=True)
class AddUnit:
    parent_id: AgencyId
    name: str
    oid: str = ""
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    agency_id: AgencyId
    version: int
    name: str
    since: date


@dataclass(frozen=True, slots=True)
class Move:
    agency_id: AgencyId
    version: int
    parent_id: AgencyId
    since: date


@dataclass(frozen=True, slots=True)
class Close:
    """`on` is the first day on which it no longer exists."""

    agency_id: AgencyId
    version: int
    on: date


@dataclass(frozen=True, slots=True)
class Reopen:
    agency_id: AgencyId
    version: int


@dataclass(frozen=True, slots=True)
class SetMailDomains:
    """Domains that backup mailboxes of applicants must belong to; none means any."""

    agency_id: AgencyId
    version: int
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetShortNames:
    agency_id: AgencyId
    version: int
    names: tuple[str, ...]


def add_unit(command: AddUnit, services: Services[Work], actor: Actor) -> Agency:
    """A new unit below an agency, a school or another unit, with an OID of its own or none."""
    name, oid = UNIT_NAME.checked(command.name, "name"), OID.clean(command.oid)
    if oid and not OID_SHAPE.match(oid):
        raise Invalid(fields={"oid": "oid_malformed"})
    with services.begin(actor) as work:
        work.agencies.lock_tree()
        parent = work.agencies.get(command.parent_id)
        work.require(EDIT_UNITS, parent)
        today = taipei_date(work.now)
        not_in_future(command.since, today)
        if parent.kind not in HOMES and parent.kind is not AgencyKind.UNIT:
            raise IllegalMove("units_stand_below_agencies")
        if not parent.is_open(today):
            raise IllegalMove("agency_closed")
        if oid and work.agencies.find_by_oid(oid) is not None:
            raise Conflict("oid_taken")
        if any(each.name == name and each.is_open(today) for each in work.agencies.children(parent.id)):
            raise Conflict("unit_exists")
        unit = work.agencies.add(NewAgency(parent.id, name, oid or None, command.since), parent)
        record(work, "agency.unit_added", unit, new={"name": name, "oid": unit.oid, "parent": parent.id})
        return unit


def rename(command: Rename, services: Services[Work], actor: Actor) -> Agency:
    """Give it a new name from a day on; the old one stays findable."""
    name = NAME.checked(command.name, "name")
    with services.begin(actor) as work:
        agency = _open_for_change(work, command.agency_id, command.version, below=True)
        if agency.kind is AgencyKind.UNIT:
            UNIT_NAME.checked(name, "name")
        not_in_future(command.since, taipei_date(work.now))
        if name == agency.name:
            return agency
        work.agencies.rename(agency, name, command.since)
        record(
            work,
            "agency.renamed",
            agency,
            old={"name": agency.name},
            new={"name": name, "since": command.since.isoformat()},
        )
        _enqueue(work, agency)
        if agency.kind is AgencyKind.UNIT:
            for key in work.dependents.unit_renamed(agency.id, name):
                work.outbox.enqueue(key)
        return work.agencies.get(agency.id)


def move(command: Move, services: Services[Work], actor: Actor) -> Agency:
    """Hang it and all below it under another agency. Both places must be the actor's to change."""
    with services.begin(actor) as work:
        agency = _open_for_change(work, command.agency_id, command.version, below=True)
        parent = work.agencies.get(command.parent_id)
        work.require(permission_to_change(agency), parent)
        today = taipei_date(work.now)
        not_in_future(command.since, today)
        if agency.path.covers(parent.path):
            raise IllegalMove("move_would_be_circle")
        if not parent.is_open(today):
            raise IllegalMove("agency_closed")
        if agency.kind is not AgencyKind.UNIT and parent.kind is AgencyKind.UNIT:
            raise IllegalMove("agency_below_unit")
        if agency.kind is AgencyKind.UNIT and parent.kind not in HOMES and parent.kind is not AgencyKind.UNIT:
            raise IllegalMove("units_stand_below_agencies")
        if agency.parent_id == parent.id:
            return agency
        below = work.agencies.lock_below(agency)
        home_id = parent.home_id if agency.kind is AgencyKind.UNIT else agency.id
        if home_id != agency.home_id and (held := work.dependents.held_by(below)):
            # Its people belong to the old agency; they change it one by one, with whatever is theirs.
            raise IllegalMove("unit_in_use", reasons=", ".join(sorted(set().union(*held.values()))))
        hang_below(work, agency, parent, below, command.since)
        return work.agencies.get(agency.id)


def hang_below(work: Work, agency: Agency, parent: Agency, below: Collection[AgencyId], since: date) -> None:
    """Give it another parent within the caller's transaction, which holds it and all `below` it locked."""
    work.agencies.move(agency, parent, parent.home_id if agency.kind is AgencyKind.UNIT else agency.id)
    record(
        work,
        "agency.moved",
        agency,
        old={"parent": agency.parent_id, "path": agency.path.text},
        new={"parent": parent.id, "since": since.isoformat()},
    )
    _enqueue(work, agency)
    for key in work.agencies.outbox_keys(agency.path.ids[:-1]):
        # What was made above it for its sake alone goes.
        work.outbox.enqueue(key, bulk=True)
    for target in {key.target for key in work.agencies.outbox_keys(below)}:
        for above in work.agencies.ancestors(parent.id):
            work.outbox.ensure(OutboxKey(target, Kind.AGENCY, str(above.id)))


def close(command: Close, services: Services[Work], actor: Actor) -> Agency:
    """End it. Refused, with what stands against it, while something hangs on it, or open parts are there."""
    with services.begin(actor) as work:
        agency = _open_for_change(work, command.agency_id, command.version)
        today = taipei_date(work.now)
        not_in_future(command.on, today, "on")
        if agency.valid_from is not None and command.on < agency.valid_from:
            raise Invalid(fields={"on": "before_beginning"})
        reasons = set(work.dependents.held_by([agency.id]).get(agency.id, frozenset()))
        if work.agencies.has_open_children(agency.id, today):
            reasons.add("children")
        if reasons:
            raise IllegalMove("agency_in_use", reasons=", ".join(sorted(reasons)))
        work.agencies.set_closed(agency, command.on)
        record(work, "agency.closed", agency, new={"closed_on": command.on.isoformat()})
        # Deleted accounts may still stand there; once they are gone, so are its OU and its group.
        _enqueue(work, agency)
        return work.agencies.get(agency.id)


def reopen(command: Reopen, services: Services[Work], actor: Actor) -> Agency:
    """Undo a closing; what stands above must be open."""
    with services.begin(actor) as work:
        agency = held(work, command.agency_id, command.version)
        today = taipei_date(work.now)
        if agency.closed_on is None:
            return agency
        if agency.merged_into is not None:
            raise IllegalMove("agency_merged")
        if agency.parent_id is not None and not work.agencies.get(agency.parent_id).is_open(today):
            raise IllegalMove("agency_closed")
        work.agencies.set_closed(agency, None)
        record(work, "agency.reopened", agency, old={"closed_on": agency.closed_on.isoformat()})
        return work.agencies.get(agency.id)


def set_mail_domains(command: SetMailDomains, services: Services[Work], actor: Actor) -> Agency:
    domains = tuple(sorted({checked_domain(domain) for domain in command.domains if DOMAIN.clean(domain)}))
    if len(domains) > MAX_DOMAINS:
        raise Invalid(fields={"domains": "too_many"})
    with services.begin(actor) as work:
        agency = _open_for_change(work, command.agency_id, command.version, EDIT_AGENCIES)
        if domains != agency.mail_domains:
            work.agencies.set_mail_domains(agency, domains)
            _record_list(work, "agency.mail_domains_set", agency, "domains", agency.mail_domains, domains)
        return work.agencies.get(agency.id)


def set_short_names(command: SetShortNames, services: Services[Work], actor: Actor) -> Agency:
    """What people call it for short; search finds it so. Abbreviations of its name are found without."""
    names = tuple(dict.fromkeys(SHORT_NAME.checked(name, "names") for name in command.names if name.strip()))
    if len(names) > MOST_SHORT_NAMES:
        raise Invalid(fields={"names": "too_many"})
    with services.begin(actor) as work:
        agency = _open_for_change(work, command.agency_id, command.version, EDIT_AGENCIES)
        if names != agency.short_names:
            work.agencies.set_short_names(agency, names)
            _record_list(work, "agency.short_names_set", agency, "names", agency.short_names, names)
        return work.agencies.get(agency.id)


def _record_list(
    work: Work, action: str, agency: Agency, what: str, old: tuple[str, ...], new: tuple[str, ...]
) -> None:
    record(work, action, agency, old={what: list(old)}, new={what: list(new)})


def checked_domain(domain: str) -> str:
    """Raises Invalid on the field "domains"."""
    try:
        ascii_domain = DOMAIN.clean(domain).removeprefix("@").encode("idna").decode()
    except UnicodeError as error:
        raise Invalid(fields={"domains": "domain_malformed"}) from error
    if not DOMAIN_SHAPE.match(ascii_domain):
        raise Invalid(fields={"domains": "domain_malformed"})
    return ascii_domain


def permission_to_change(agency: Agency) -> Permission:
    """The permission it takes to change this place itself."""
    return EDIT_UNITS if agency.kind is AgencyKind.UNIT else EDIT_AGENCIES


def lock_for_change(work: Work, *agency_ids: AgencyId, below: bool = False) -> None:
    """Hold the tree and these agencies, with `below` all below the first; a unit with its home, where its people are.

    Those above are shared: whoever changes their managers also changes who decides below. Everything at once and in
    id order: whatever else an act locks comes after its agencies.
    """
    work.agencies.lock_tree()
    several = [work.agencies.get(agency_id) for agency_id in agency_ids]
    under = work.agencies.at_or_below(several[0]) if below else ()
    above = {agency_id for agency in several for agency_id in agency.path.ids}
    work.agencies.lock(above, changing={*under, *agency_ids, *(agency.home_id for agency in several)})


def held(
    work: Work, agency_id: AgencyId, version: int, permission: Permission | None = None, *, below: bool = False
) -> Agency:
    """The agency, locked so that no decision about it runs beside, once the actor's permission was asked.

    Raises NotFound("agency"), Denied("right_missing"), Conflict("changed_meanwhile") for an old version.
    """
    lock_for_change(work, agency_id, below=below)
    agency = work.agencies.get(agency_id)
    work.require(permission or permission_to_change(agency), agency)
    if agency.version != version:
        raise Conflict("changed_meanwhile")
    return agency


def _open_for_change(
    work: Work, agency_id: AgencyId, version: int, permission: Permission | None = None, *, below: bool = False
) -> Agency:
    agency = held(work, agency_id, version, permission, below=below)
    if not agency.is_open(taipei_date(work.now)):
        raise IllegalMove("agency_closed")
    return agency


def not_in_future(day: date | None, today: date, field: str = "since") -> None:
    """What begins later is entered on that day; there is nothing yet that would do it by itself."""
    if day is not None and day > today:
        raise Invalid(fields={field: "in_the_future"})


def _enqueue(work: Work, agency: Agency) -> None:
    for key in work.agencies.outbox_keys([agency.id]):
        work.outbox.enqueue(key)


def record(
    work: Work,
    action: str,
    agency: Agency,
    *,
    old: dict[str, object] | None = None,
    new: dict[str, object] | None = None,
) -> None:
    work.audit.record(action, object_kind="agency", object_id=str(agency.id), agency_id=agency.id, old=old, new=new)
