"""Active Directory over verified LDAPS. The only file that knows ldap3; its errors end here.

Objects are found by their objectGUID once it is known, before that by name; what does not carry our mark in
adminDescription is never touched. A new account is made in one request, with a random password nobody knows,
that has to be changed: a half-made account cannot exist.
"""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import ldap3
from ldap3.core import exceptions as ldap
from ldap3.utils.conv import escape_filter_chars
from ldap3.utils.dn import escape_rdn

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import Create, Desired, Leave, Observed, Place, Rename, SetEnabled, SetFields, Step
from hufu_sync.errors import Conflict, Gone, Misconfigured, Refused, TargetError, Transient, Unreachable

NORMAL_ACCOUNT = 0x200
DISABLED = 0x2
MARK = "adminDescription"
READ_ALWAYS = ("objectGUID", MARK, "userAccountControl", "pwdLastSet")
RDN = {Kind.AGENCY: "ou", Kind.ACCOUNT: "cn"}
CLASSES = {
    Kind.AGENCY: ["top", "organizationalUnit"],
    Kind.ACCOUNT: ["top", "person", "organizationalPerson", "user"],
}

VALUE_ERRORS = (
    ldap.LDAPConstraintViolationResult,
    ldap.LDAPInvalidAttributeSyntaxResult,
    ldap.LDAPInvalidDNSyntaxResult,
    ldap.LDAPNamingViolationResult,
    ldap.LDAPObjectClassViolationResult,
    ldap.LDAPUndefinedAttributeTypeResult,
    ldap.LDAPNoSuchAttributeResult,
)
LATER = (
    ldap.LDAPBusyResult,
    ldap.LDAPUnavailableResult,
    ldap.LDAPTimeLimitExceededResult,
    ldap.LDAPAdminLimitExceededResult,
)
NO_ANSWER = (ldap.LDAPSocketReceiveError, ldap.LDAPResponseTimeoutError)


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """`call_seconds` bounds each request and must be well below the worker's lease."""

    url: str
    ca_file: Path
    bind_dn: str
    bind_password: str = field(repr=False)
    base_dn: str
    connect_seconds: int = 3
    call_seconds: int = 5


@dataclass(frozen=True, slots=True)
class Entry:
    dn: str
    guid: str
    values: dict[str, list[bytes]]

    def text(self, name: str) -> str:
        values = self.values.get(name.lower(), [])
        return values[0].decode("utf-8", "replace") if values else ""

    def number(self, name: str) -> int:
        return int(self.text(name) or "0")


class ActiveDirectory:
    """One long-lived connection; not for use by several threads at once."""

    def __init__(self, settings: DirectorySettings) -> None:
        self.settings = settings
        self._connection: ldap3.Connection | None = None

    def probe(self) -> None:
        if self._read(self.settings.base_dn, (MARK,)) is None:
            raise Misconfigured(Code.AD_REFUSED, "our OU is missing")

    def find(self, desired: Desired, remote_id: str | None) -> Observed | None:
        parent = self._parent_dn(desired)
        names = (*READ_ALWAYS, *desired.fields)
        if remote_id is not None:
            entry = self._read(_by_guid(remote_id), names)
            if entry is None:
                raise Gone(Code.GONE_IN_AD)
        else:
            entry = self._by_name(desired, parent, names)
            if entry is None:
                return None
        if entry.text(MARK) != desired.mark:
            taken = Code.NAME_TAKEN_IN_AD if desired.kind is Kind.ACCOUNT else Code.OU_TAKEN
            raise Conflict(taken)
        return _observed(desired, entry, parent)

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> str:
        if isinstance(step, Create):
            return self._create(desired)
        if observed is None:
            raise Gone(Code.GONE_IN_AD)
        dn = observed.address
        if isinstance(step, SetFields):
            self._modify(dn, {name: [after] if after else [] for name, _, after in step.changes})
        elif isinstance(step, SetEnabled):
            self._set_enabled(observed.remote_id, enabled=step.after)
        elif isinstance(step, Rename):
            self._move(dn, _rdn(desired.kind, step.after), None)
        elif isinstance(step, Place):
            self._move(dn, _rdn_of(dn), self._parent_dn(desired))
        elif isinstance(step, Leave):
            raise Refused(Code.AD_REFUSED, "an entry has one place")
        return observed.remote_id

    def password_is_set(self, remote_id: str) -> bool:
        entry = self._read(_by_guid(remote_id), ("pwdLastSet",))
        if entry is None:
            raise Gone(Code.GONE_IN_AD)
        return entry.number("pwdLastSet") != 0

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # The server may be gone, and then there is nobody to say goodbye to.
            with suppress(ldap.LDAPException, OSError):
                connection.unbind()

    def _create(self, desired: Desired) -> str:
        dn = f"{_rdn(desired.kind, desired.name)},{self._parent_dn(desired)}"
        attributes: dict[str, Any] = {name: value for name, value in desired.fields.items() if value}
        attributes[MARK] = desired.mark
        if desired.kind is Kind.ACCOUNT:
            attributes |= {
                "unicodePwd": _random_password(),
                "pwdLastSet": "0",
                "userAccountControl": str(NORMAL_ACCOUNT if desired.enabled else NORMAL_ACCOUNT | DISABLED),
            }
        taken = Code.NAME_TAKEN_IN_AD if desired.kind is Kind.ACCOUNT else Code.OU_TAKEN
        with self._calling(taken) as connection:
            connection.add(  # type: ignore[no-untyped-call]
                dn, CLASSES[desired.kind], attributes
            )
        entry = self._read(dn, ("objectGUID",))
        if entry is None:
            raise Transient(Code.AD_BUSY, "not there after it was added")
        return entry.guid

    def _set_enabled(self, guid: str, *, enabled: bool) -> None:
        entry = self._read(_by_guid(guid), ("userAccountControl",))
        if entry is None:
            raise Gone(Code.GONE_IN_AD)
        control = entry.number("userAccountControl")
        control = control & ~DISABLED if enabled else control | DISABLED
        self._modify(entry.dn, {"userAccountControl": [str(control)]})

    def _modify(self, dn: str, values: dict[str, list[str]]) -> None:
        changes = {name: [(ldap3.MODIFY_REPLACE, wanted)] for name, wanted in values.items()}
        with self._calling(Code.NAME_TAKEN_IN_AD) as connection:
            connection.modify(dn, changes)  # type: ignore[no-untyped-call]

    def _move(self, dn: str, rdn: str, new_parent: str | None) -> None:
        with self._calling(Code.OU_TAKEN) as connection:
            connection.modify_dn(dn, rdn, new_superior=new_parent)

    def _parent_dn(self, desired: Desired) -> str:
        if desired.place is None:
            return self.settings.base_dn
        parent = self._read(_by_guid(desired.place), ("objectGUID",))
        if parent is None:
            raise Gone(Code.GONE_IN_AD, "its OU")
        return parent.dn

    def _by_name(self, desired: Desired, parent: str, names: Sequence[str]) -> Entry | None:
        if desired.kind is Kind.AGENCY:
            found = self._search(parent, f"(ou={escape_filter_chars(desired.name)})", ldap3.LEVEL, names)
        else:
            name = escape_filter_chars(desired.fields["sAMAccountName"])
            upn = escape_filter_chars(desired.fields["userPrincipalName"])
            either = f"(|(sAMAccountName={name})(userPrincipalName={upn}))"
            found = self._search(_domain_of(self.settings.base_dn), either, ldap3.SUBTREE, names)
        ours = [entry for entry in found if entry.text(MARK) == desired.mark]
        return next(iter(ours or found), None)

    def _read(self, dn: str, names: Sequence[str]) -> Entry | None:
        try:
            return next(iter(self._search(dn, "(objectClass=*)", ldap3.BASE, names)), None)
        except _Missing:
            return None

    def _search(self, base: str, query: str, scope: Any, names: Sequence[str]) -> list[Entry]:
        had_connection = self._connection is not None
        wanted = sorted({"objectGUID", *names})
        try:
            return self._search_once(base, query, scope, wanted)
        except Unreachable as error:
            # A connection kept for long may have been closed by the other side: reading again is harmless.
            if not had_connection or error.code is Code.AD_TIMEOUT:
                raise
            return self._search_once(base, query, scope, wanted)

    def _search_once(self, base: str, query: str, scope: Any, names: Sequence[str]) -> list[Entry]:
        with self._calling(Code.AD_REFUSED) as connection:
            connection.search(base, query, search_scope=scope, attributes=list(names))
            return [_entry(raw) for raw in connection.response or [] if raw.get("type") == "searchResEntry"]

    def _open(self) -> ldap3.Connection:
        if self._connection is None:
            settings = self.settings
            tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(settings.ca_file))
            server = ldap3.Server(settings.url, tls=tls, get_info=ldap3.NONE, connect_timeout=settings.connect_seconds)
            connection = ldap3.Connection(
                server,
                user=settings.bind_dn,
                password=settings.bind_password,
                raise_exceptions=True,
                check_names=False,
                auto_referrals=False,
                receive_timeout=settings.call_seconds,
            )
            try:
                connection.open()
            finally:
                # ldap3 leaves the socket of a connection that did not come about to the garbage collector.
                if connection.closed and connection.socket is not None:
                    connection.socket.close()
            self._connection = connection
            connection.bind()
        return self._connection

    @contextmanager
    def _calling(self, taken: Code) -> Iterator[ldap3.Connection]:
        """Every request goes through here: the one place where ldap3's errors become ours."""
        try:
            yield self._open()
        except ldap.LDAPException as error:
            translated = _translated(error, taken)
            if not isinstance(error, ldap.LDAPOperationResult) or isinstance(translated, Misconfigured):
                self.close()
            raise translated from error
        except OSError as error:
            self.close()
            raise Unreachable(Code.AD_UNREACHABLE, type(error).__name__) from error


class _Missing(Refused):
    """There is no such entry."""


def _translated(error: ldap.LDAPException, taken: Code) -> TargetError:
    name = type(error).__name__
    if isinstance(error, ldap.LDAPNoSuchObjectResult):
        return _Missing(Code.AD_REFUSED, name)
    if isinstance(error, (ldap.LDAPEntryAlreadyExistsResult, ldap.LDAPAttributeOrValueExistsResult)):
        return Conflict(taken, name)
    if isinstance(error, (ldap.LDAPInvalidCredentialsResult, ldap.LDAPBindError)):
        return Misconfigured(Code.AD_BIND_REFUSED, name)
    if isinstance(error, ldap.LDAPInsufficientAccessRightsResult):
        return Refused(Code.AD_NO_RIGHTS, name)
    if isinstance(error, VALUE_ERRORS):
        # Names are unique in the domain: a taken one comes as a constraint, too.
        unique = isinstance(error, ldap.LDAPConstraintViolationResult) and "already" in str(error).lower()
        return Conflict(taken, name) if unique else Refused(Code.AD_REFUSED_VALUE, name)
    if isinstance(error, LATER):
        return Transient(Code.AD_BUSY, name)
    if isinstance(error, ldap.LDAPOperationResult):
        return Refused(Code.AD_REFUSED, name)
    if "CERTIFICATE" in str(error).upper():
        return Misconfigured(Code.AD_CERTIFICATE, name)
    if isinstance(error, NO_ANSWER):
        return Unreachable(Code.AD_TIMEOUT, name)
    return Unreachable(Code.AD_UNREACHABLE, name)


def _entry(raw: dict[str, Any]) -> Entry:
    values = {name.lower(): list(found) for name, found in raw["raw_attributes"].items()}
    return Entry(raw["dn"], str(UUID(bytes_le=values["objectguid"][0])), values)


def _observed(desired: Desired, entry: Entry, parent: str) -> Observed:
    in_place = _normal(_parent_of(entry.dn)) == _normal(parent)
    enabled = None
    if desired.kind is Kind.ACCOUNT:
        enabled = not entry.number("userAccountControl") & DISABLED
    return Observed(
        remote_id=entry.guid,
        mark=entry.text(MARK),
        name=_unescaped(_rdn_of(entry.dn)),
        place=desired.place if in_place else _parent_of(entry.dn),
        address=entry.dn,
        enabled=enabled,
        fields={name: entry.text(name) for name in desired.fields},
    )


def _random_password() -> bytes:
    """Long and of every class of characters, so that any policy takes it; known to nobody, used by nobody."""
    return f'"{secrets.token_urlsafe(36)}aA1!"'.encode("utf-16-le")


def _by_guid(guid: str) -> str:
    return f"<GUID={guid}>"


def _rdn(kind: Kind, name: str) -> str:
    return f"{RDN[kind]}={escape_rdn(name)}"


def _rdn_of(dn: str) -> str:
    return _first(dn)[0]


def _first(dn: str) -> tuple[str, str]:
    """The first step of a DN as it is written, and the rest."""
    escaped = False
    for at, character in enumerate(dn):
        if character == "," and not escaped:
            return dn[:at], dn[at + 1 :]
        escaped = character == "\\" and not escaped
    return dn, ""


def _parent_of(dn: str) -> str:
    return _first(dn)[1]


def _unescaped(rdn: str) -> str:
    r"""Return the value of "ou=a\,b" as text: "a,b"; two hex digits after a backslash are a byte of UTF-8."""
    value = rdn.partition("=")[2]
    found = bytearray()
    at = 0
    while at < len(value):
        if value[at] != "\\":
            found += value[at].encode()
            at += 1
        elif len(value) > at + 2 and all(c in "0123456789abcdefABCDEF" for c in value[at + 1 : at + 3]):
            found.append(int(value[at + 1 : at + 3], 16))
            at += 3
        else:
            found += value[at + 1 : at + 2].encode()
            at += 2
    return found.decode("utf-8", "replace")


def _normal(dn: str) -> tuple[str, ...]:
    steps = []
    while dn:
        first, dn = _first(dn)
        steps.append(f"{first.partition('=')[0].strip()}={_unescaped(first)}".casefold())
    return tuple(steps)


def _domain_of(dn: str) -> str:
    steps = []
    rest = dn
    while rest:
        first, rest = _first(rest)
        if first.strip().lower().startswith("dc="):
            steps.append(first.strip())
    return ",".join(steps)


def domain_name(base_dn: str) -> str:
    """The domain a base DN lies in, as people write it: "agency.test"."""
    return ".".join(step.partition("=")[2] for step in _domain_of(base_dn).split(","))
