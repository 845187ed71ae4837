"""Requests by verified LDAPS. The only file that knows ldap3; its errors end here."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import ldap3
from ldap3.core import exceptions as ldap
from ldap3.protocol.microsoft import security_descriptor_control
from ldap3.utils.conv import escape_bytes, escape_filter_chars

from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import in_one
from hufu_sync.errors import Conflict, Misconfigured, NoRightsError, Refused, TargetError, Transient, Unreachable

SEARCH_RESULT_ENTRY = 4
# A security descriptor is written, and only its list of who may do what.
DACL_ONLY = security_descriptor_control(sdflags=0x4)
# No rule of the object's own (MS-DTYP 2.4.6, self-relative): what its OU passes on is all that holds.
ONLY_INHERITED = bytes.fromhex("01000484 00000000 00000000 00000000 14000000 0400080000000000")
RULES = "nTSecurityDescriptor"
PAGED = "1.2.840.113556.1.4.319"
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)

VALUE_ERRORS = (
    ldap.LDAPConstraintViolationResult,
    ldap.LDAPInvalidAttributeSyntaxResult,
    ldap.LDAPInvalidDNSyntaxResult,
    ldap.LDAPNamingViolationResult,
    ldap.LDAPObjectClassViolationResult,
    ldap.LDAPUndefinedAttributeTypeResult,
)
# Also a value that is no longer there when it is to be replaced: somebody was quicker.
TAKEN = (
    ldap.LDAPEntryAlreadyExistsResult,
    ldap.LDAPAttributeOrValueExistsResult,
    ldap.LDAPNoSuchAttributeResult,
)
# Also what it says without a reason, and AD to whoever is not signed in.
LATER = (
    ldap.LDAPBusyResult,
    ldap.LDAPOperationsErrorResult,
    ldap.LDAPOtherResult,
    ldap.LDAPUnavailableResult,
    ldap.LDAPTimeLimitExceededResult,
    ldap.LDAPAdminLimitExceededResult,
)
NO_ANSWER = (ldap.LDAPSocketReceiveError, ldap.LDAPResponseTimeoutError)


@dataclass(frozen=True, slots=True)
class DirectorySettings:
    """`call_seconds` bounds each request and must be well below the worker's lease; `listing_seconds` the wait for
    a page of everybody, which no lease depends on.
    """

    url: str
    ca_file: Path
    bind_dn: str
    bind_password: str = field(repr=False)
    base_dn: str
    connect_seconds: int = 3
    call_seconds: int = 5
    listing_seconds: int = 120


@dataclass(frozen=True, slots=True)
class Entry:
    """Names of attributes are in lower case; those without a value are not there."""

    dn: str
    guid: str
    values: Mapping[str, Sequence[bytes]]

    def text(self, name: str) -> str:
        values = self.values.get(name.lower(), ())
        return values[0].decode("utf-8", "replace") if values else ""

    def texts(self, name: str) -> str:
        """All its values: more than one are never taken for one of them."""
        values = self.values.get(name.lower(), ())
        return self.text(name) if len(values) < 2 else in_one(value.decode("utf-8", "replace") for value in values)

    def number(self, name: str) -> int:
        return int(self.text(name) or "0")

    def moment(self, name: str) -> datetime | None:
        """100 nanoseconds since 1601; 0 is never."""
        ticks = self.number(name)
        return EPOCH + timedelta(microseconds=ticks // 10) if ticks > 0 else None


class MissingError(Transient):
    """There is no such entry where it was a moment ago: whoever looks again sees what became of it."""


class NotEmptyError(Conflict):
    """Something stands below it."""


def by_guid(guid: str) -> str:
    """How an entry is addressed wherever it stands; Samba takes it everywhere but for a move."""
    return f"<GUID={guid}>"


def equal(attribute: str, value: str) -> str:
    return f"({attribute}={escape_filter_chars(value)})"


def has_guid(guid: str) -> str:
    return f"(objectGUID={escape_bytes(UUID(guid).bytes_le)})"


def any_of(filters: Collection[str]) -> str:
    return f"(|{''.join(filters)})"


class LdapConnection:
    """One long-lived connection, opened when it is needed; not for use by several threads at once."""

    def __init__(self, settings: DirectorySettings) -> None:
        self.settings = settings
        self._connection: ldap3.Connection | None = None

    def read(self, dn: str, names: Collection[str]) -> Entry | None:
        try:
            return next(iter(self._search(dn, "(objectClass=*)", names, scope=ldap3.BASE)), None)
        except MissingError:
            return None

    def search(self, base: str, query: str, names: Collection[str]) -> list[Entry]:
        """All entries at and below `base`; for few, as a server may answer with no more than 1,000."""
        return self._search(base, query, names, scope=ldap3.SUBTREE)

    def pages(self, base: str, query: str, names: Collection[str], size: int) -> Iterator[list[Entry]]:
        """All entries at and below `base`, read as they are taken.

        A server may gather everything before its first page, so this may take longer than a call else may.
        """
        cookie: bytes | None = None
        while True:
            how = {"scope": ldap3.SUBTREE, "paged_size": size, "paged_cookie": cookie}
            page = self._search(base, query, names, seconds=self.settings.listing_seconds, **how)
            cookie = self._cookie()
            yield page
            if not cookie:
                return

    def pages_ahead(self, base: str, query: str, names: Collection[str], size: int) -> Iterator[list[Entry]]:
        """The same over a connection of its own: each page is read while the one before it is worked on."""
        with closing(LdapConnection(self.settings)) as own, ThreadPoolExecutor(1) as reader:
            pages = own.pages(base, query, names, size)
            coming = reader.submit(next, pages, None)
            while (page := coming.result()) is not None:
                coming = reader.submit(next, pages, None)
                yield page

    def add(self, dn: str, classes: Sequence[str], attributes: Mapping[str, str | bytes], taken: Code) -> None:
        """Who may do what with it is what its OU says, and nothing that the schema gives everybody."""
        with self.calling(taken) as connection:
            connection.add(dn, list(classes), {**attributes, RULES: ONLY_INHERITED}, controls=DACL_ONLY)

    def only_inherit(self, dn: str) -> None:
        """The same for what stands there already."""
        with self.calling(Code.AD_REFUSED) as connection:
            connection.modify(dn, {RULES: [(ldap3.MODIFY_REPLACE, [ONLY_INHERITED])]}, controls=DACL_ONLY)

    def modify(self, dn: str, values: Mapping[str, str | bytes]) -> None:
        """Replace them; "" is absent."""
        changes = {name: [(ldap3.MODIFY_REPLACE, [wanted] if wanted else [])] for name, wanted in values.items()}
        self._modify(dn, changes, Code.NAME_TAKEN_IN_AD)

    def exchange(self, dn: str, name: str, before: str, after: str, taken: Code) -> None:
        """Replace one value, if it is still `before`; Conflict(taken) where it is not."""
        going = [(ldap3.MODIFY_DELETE, [before])] if before else []
        self._modify(dn, {name: [*going, (ldap3.MODIFY_ADD, [after])]}, taken)

    def move(self, dn: str, rdn: str, new_parent: str | None, taken: Code) -> None:
        with self.calling(taken) as connection:
            connection.modify_dn(dn, rdn, new_superior=new_parent)

    def delete(self, dn: str) -> None:
        with self.calling(Code.AD_REFUSED) as connection:
            connection.delete(dn)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            _leave(connection)

    def _modify(self, dn: str, changes: Mapping[str, object], taken: Code) -> None:
        with self.calling(taken) as connection:
            connection.modify(dn, changes)

    def _search(self, base: str, query: str, names: Collection[str], *, seconds: int = 0, **how: Any) -> list[Entry]:
        had_connection = self._connection is not None
        wanted = sorted({"objectGUID", *names})
        try:
            return self._search_once(base, query, wanted, seconds=seconds, **how)
        except Unreachable as error:
            # A connection kept for long may have been closed by the other side: reading again is harmless,
            # but for a further page, which only the old connection knows of.
            if not had_connection or error.code is Code.AD_TIMEOUT or how.get("paged_cookie"):
                raise
            return self._search_once(base, query, wanted, seconds=seconds, **how)

    def _search_once(
        self, base: str, query: str, names: list[str], *, scope: Any, seconds: int, **paging: Any
    ) -> list[Entry]:
        with self.calling(Code.AD_REFUSED, seconds) as connection:
            connection.search(base, query, search_scope=scope, attributes=names, **paging)
            return [_entry(raw) for raw in connection.response or [] if raw.get("type") == "searchResEntry"]

    def _cookie(self) -> bytes:
        assert self._connection is not None  # noqa: S101 - it has just answered
        controls = self._connection.result.get("controls") or {}
        return bytes(controls.get(PAGED, {}).get("value", {}).get("cookie") or b"")

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
                return_empty_attributes=False,
                auto_range=False,
            )
            strategy: Any = connection.strategy
            strategy.decode_response_fast = _leanly(strategy.decode_response_fast)
            try:
                connection.open()
                _bind(connection)
            except Exception:
                # One that is open and not bound would ask as nobody for as long as it lasts.
                _leave(connection)
                raise
            self._connection = connection
        return self._connection

    @contextmanager
    def calling(self, taken: Code, seconds: int = 0) -> Iterator[ldap3.Connection]:
        """Every request goes through here: the one place where ldap3's errors become ours.

        It waits for the answer as long as `seconds`; 0 is `call_seconds`.
        """
        try:
            connection = self._open()
            if connection.socket is not None:
                connection.socket.settimeout(seconds or self.settings.call_seconds)
            yield connection
        except ldap.LDAPException as error:
            translated = _translated(error, taken)
            if not isinstance(error, ldap.LDAPOperationResult) or isinstance(translated, Misconfigured):
                self.close()
            raise translated from error
        except OSError as error:
            self.close()
            raise Unreachable(Code.AD_UNREACHABLE, type(error).__name__) from error


def _bind(connection: ldap3.Connection) -> None:
    """What is said to this is said to everything of ours: either nobody gets in now, or we do not."""
    try:
        connection.bind()
    except LATER as error:
        raise Unreachable(Code.AD_BUSY, type(error).__name__) from error
    except ldap.LDAPOperationResult as error:
        raise Misconfigured(Code.AD_BIND_REFUSED, type(error).__name__) from error


def _leave(connection: ldap3.Connection) -> None:
    # The server may be gone, and then there is nobody to say goodbye to.
    with suppress(ldap.LDAPException, OSError):
        connection.unbind()
    # ldap3 leaves the socket of a connection that did not come about to the garbage collector.
    if connection.socket is not None:
        connection.socket.close()


def _translated(error: ldap.LDAPException, taken: Code) -> TargetError:
    name = type(error).__name__
    if isinstance(error, ldap.LDAPNoSuchObjectResult):
        return MissingError(Code.AD_BUSY, name)
    if isinstance(error, ldap.LDAPNotAllowedOnNotLeafResult):
        return NotEmptyError(Code.OU_NOT_EMPTY, name)
    if isinstance(error, TAKEN):
        return Conflict(taken, name)
    if isinstance(error, (ldap.LDAPInvalidCredentialsResult, ldap.LDAPBindError)):
        return Misconfigured(Code.AD_BIND_REFUSED, name)
    if isinstance(error, ldap.LDAPInsufficientAccessRightsResult):
        return NoRightsError(Code.AD_NO_RIGHTS, name)
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
    values = raw["raw_attributes"]
    # The root has none.
    guid = values.get("objectguid")
    return Entry(raw["dn"], str(UUID(bytes_le=guid[0])) if guid else "", values)


def _leanly(decode: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Entries as they came. ldap3 would guess the type of every value: two thirds of the time of reading everybody."""

    def decoded(message: Any) -> Any:
        if message["protocolOp"] != SEARCH_RESULT_ENTRY:
            return decode(message)
        (*_, dn), (*_, attributes) = message["payload"]
        values = {
            bytes(name[3]).decode().lower(): [bytes(value[3]) for value in attribute[3]]
            for *_, (name, attribute) in attributes
        }
        return {"type": "searchResEntry", "dn": bytes(dn).decode(), "raw_attributes": values, "attributes": values}

    return decoded
