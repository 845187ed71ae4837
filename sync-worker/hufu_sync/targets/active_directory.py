"""Active Directory.

Objects are found by their objectGUID once it is known, before that by name; what does not carry our mark in
adminDescription, or is protected (AdminSDHolder), is never touched. A new account is made in one request, with a
random password nobody knows, that has to be changed: a half-made account cannot exist.

One search answers for many objects and for the OUs they belong in, so where an OU stands is as fresh as the object
itself. A new account costs a search (shared), an add, and a search (shared).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import BARS, ChangeCursor, Code
from hufu_registry.sync.model.desired import DirectorySchema
from hufu_registry.sync.model.naming import folded
from hufu_registry.sync.model.plan import (
    Adopt,
    Create,
    Delete,
    Desired,
    Leave,
    Observed,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    Step,
)
from hufu_sync.errors import Conflict, Gone, Misconfigured, NoRightsError, Refused, Transient, Unreachable
from hufu_sync.targets import dn as names
from hufu_sync.targets.ldap_connection import (
    DirectorySettings,
    Entry,
    LdapConnection,
    MissingError,
    NotEmptyError,
    any_of,
    by_guid,
    equal,
    has_guid,
)
from hufu_sync.targets.port import Asked, Changes, Found
from hufu_sync.targets.sign_in_bars import READ, bars_of, without_bars

NORMAL_ACCOUNT = 0x200
DISABLED = 0x2
MARK = "adminDescription"
STATE = (MARK, "userAccountControl", "lockoutTime", "adminCount")
# By these an account is unique in the domain, so they are there before anything else of it can be.
NAMES = ("sAMAccountName", "userPrincipalName", "employeeNumber")
RDN = {Kind.AGENCY: "ou", Kind.ACCOUNT: "cn"}
TAKEN = DirectorySchema.taken
CLASSES = {
    Kind.AGENCY: ("top", "organizationalUnit"),
    Kind.ACCOUNT: ("top", "person", "organizationalPerson", "user"),
}
OURS = {
    Kind.AGENCY: f"(&(objectClass=organizationalUnit)({MARK}=hufu:agency:*))",
    Kind.ACCOUNT: f"(&(objectClass=user)({MARK}=hufu:account:*))",
}
PROBE_NAME = "CN=hufu-probe"
PROBE_MARK = "hufu:probe"
PROBE_CLASSES = ("top", "person", "organizationalPerson", "contact")
PROBE = {"description": "The sync worker writes this object to see whether it may"}
# A search names every object it asks for; a server answers with at most 1,000.
ASKED_AT_ONCE = 200
PAGE = 1000
FOREVER = -(2**63)
ALL = 2**62


class ActiveDirectory:
    """One long-lived connection; not for use by several threads at once."""

    def __init__(self, settings: DirectorySettings) -> None:
        self.settings = settings
        self._ldap = LdapConnection(settings)
        # Where each OU stood when it was read last.
        self._places: dict[str, str] = {}
        # How many positions of the list of changes are read at once.
        self._span = ALL

    def close(self) -> None:
        self._ldap.close()
        self._places.clear()

    def probe(self) -> None:
        dn = f"{PROBE_NAME},{self.settings.base_dn}"
        try:
            entry = self._ldap.read(dn, (MARK,))
            if entry is None:
                with suppress(Conflict):
                    self._ldap.add(dn, PROBE_CLASSES, PROBE | {MARK: PROBE_MARK}, Code.AD_REFUSED)
            elif entry.text(MARK) == PROBE_MARK:
                self._ldap.modify(dn, PROBE)
            else:
                raise Misconfigured(Code.AD_REFUSED, "somebody else's object has our probe's name")
        except MissingError as error:
            raise Misconfigured(Code.AD_REFUSED, "our OU is missing") from error
        except Refused as error:
            raise Misconfigured(error.code, f"our probe: {error.detail}") from error

    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        answers: list[Found] = []
        for start in range(0, len(asked), ASKED_AT_ONCE):
            answers += self._find_some(asked[start : start + ASKED_AT_ONCE])
        return answers

    def _find_some(self, asked: Sequence[Asked]) -> list[Found]:
        places = {each.desired.place for each in asked if each.desired.place is not None}
        filters = {has_guid(place) for place in places}
        for each in asked:
            by_name = _named(each.desired, by_mark=each.in_flight)
            filters.add(by_name if each.remote_id is None else has_guid(each.remote_id))
        wanted = _read(name for each in asked for name in each.desired.fields) | {*NAMES}
        entries = _Entries(self._search_domain(any_of(sorted(filters)), wanted))
        for place in places:
            if place in entries.by_guid:
                self._places[place] = entries.by_guid[place].dn
            else:
                self._places.pop(place, None)
        return [self._found(each, entries) for each in asked]

    def _found(self, asked: Asked, entries: _Entries) -> Found:
        desired = asked.desired
        parent = self.settings.base_dn if desired.place is None else self._places.get(desired.place)
        if asked.remote_id is not None:
            entry = entries.by_guid.get(asked.remote_id)
        else:
            entry = entries.named(desired, parent or "")
            if asked.in_flight and (entry is None or entry.text(MARK) != desired.mark):
                entry = entries.marked(desired.mark, self.settings.base_dn) or entry
        if entry is None and desired.exists and asked.remote_id is not None:
            return Gone(Code.GONE_IN_AD)
        if entry is None and desired.exists and parent is None:
            return Transient(Code.WAITS_FOR_AGENCY, "its OU is missing")
        if entry is None:
            return None
        if entry.text(MARK) != desired.mark:
            forgotten = asked.remote_id is None and not desired.exists
            return None if forgotten else Conflict(TAKEN[desired.kind])
        if _is_protected(entry):
            return Refused(Code.PROTECTED_IN_AD)
        stands = names.parent(entry.dn)
        in_place = parent is not None and names.normal(stands) == names.normal(parent)
        return _observed(desired.kind, entry, desired.place if in_place else stands, desired.fields)

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> None:
        if isinstance(step, Create):
            self._create(desired)
            return
        if observed is None:
            raise Gone(Code.GONE_IN_AD)
        try:
            self._change(step, desired, observed)
        except NoRightsError as error:
            if self._is_inside(observed.address):
                raise
            raise NoRightsError(Code.OUTSIDE_OUR_OU, error.detail) from error

    def _change(self, step: Step, desired: Desired, observed: Observed) -> None:
        guid = observed.remote_id
        if isinstance(step, SetFields):
            self._set(guid, {name: after for name, _, after in step.changes})
        elif isinstance(step, SetEnabled):
            self._set_enabled(guid, enabled=step.after)
        elif isinstance(step, Rename | Place):
            self._move(step, desired, observed)
        elif isinstance(step, Delete):
            self._delete(guid)
        elif isinstance(step, Adopt):
            self._ldap.exchange(by_guid(guid), MARK, step.before, desired.mark, TAKEN[desired.kind])
        elif isinstance(step, Leave | Create):
            raise Refused(Code.AD_REFUSED, "an entry has one place, and is there")
        else:
            assert_never(step)

    def _is_inside(self, dn: str) -> bool:
        return names.is_below(dn, self.settings.base_dn)

    def everything(self, kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        base = self.settings.base_dn
        wanted = _read(fields)
        agencies = [
            entry
            for page in self._ldap.pages(base, OURS[Kind.AGENCY], wanted if kind is Kind.AGENCY else (MARK,), PAGE)
            for entry in page
            if names.normal(entry.dn) != names.normal(base)
        ]
        place_of = _places({entry.dn: entry.guid for entry in agencies}, base)
        if kind is Kind.ACCOUNT:
            del agencies
            for page in self._ldap.pages_ahead(base, OURS[kind], wanted, PAGE):
                yield [_observed(kind, entry, place_of(names.parent(entry.dn)), fields) for entry in page]
            return
        agencies.sort(key=lambda entry: len(names.steps(entry.dn)))
        for start in range(0, len(agencies), PAGE):
            page = agencies[start : start + PAGE]
            yield [_observed(kind, entry, place_of(names.parent(entry.dn)), fields) for entry in page]

    def changes(self, cursor: ChangeCursor | None, fields: Collection[str], limit: int) -> Changes:
        now = self._newest_change()
        if cursor is None:
            return Changes(now)
        if cursor.server != now.server or cursor.position > now.position:
            return Changes(now, restarted=True)
        entries, last = self._changed(cursor.position, now.position, _read(fields), min(limit, PAGE - 1))
        place_of = self._places_of(entries)
        seen: dict[Kind, list[Observed]] = {Kind.ACCOUNT: [], Kind.AGENCY: []}
        outside: list[Observed] = []
        for entry in sorted(entries, key=lambda entry: entry.number("uSNChanged")):
            kind = Kind.AGENCY if entry.text(MARK).startswith("hufu:agency:") else Kind.ACCOUNT
            told = _observed(kind, entry, place_of(names.parent(entry.dn)), fields)
            (seen[kind] if self._is_inside(entry.dn) else outside).append(told)
        return Changes(
            cursor=replace(now, position=last),
            accounts=seen[Kind.ACCOUNT],
            agencies=seen[Kind.AGENCY],
            outside=outside,
            more=last < now.position,
        )

    def foreign(self, desired: Desired) -> Observed | None:
        wanted = _read(desired.fields) | {*NAMES}
        entry = _Entries(self._search_domain(_named(desired), wanted)).named(desired, self._place_dn(desired.place))
        if entry is None or entry.text(MARK).startswith("hufu:"):
            return None
        if _is_protected(entry):
            raise Refused(Code.PROTECTED_IN_AD)
        stands = names.parent(entry.dn)
        in_place = names.normal(stands) == names.normal(self._place_dn(desired.place))
        return _observed(desired.kind, entry, desired.place if in_place else stands, desired.fields)

    def only_inherit(self, remote_id: str) -> None:
        """Who may do what with it is what our OU says, and nothing of its own."""
        self._ldap.only_inherit(by_guid(remote_id))

    def password_is_set(self, remote_id: str) -> bool:
        return self._password_set_at(remote_id) is not None

    def unlock(self, remote_id: str) -> None:
        self._ldap.modify(by_guid(remote_id), {"lockoutTime": "0"})

    def must_change(self, remote_id: str, before: datetime) -> bool:
        set_at = self._password_set_at(remote_id)
        if set_at is not None and set_at > before:
            return False
        self._ldap.modify(by_guid(remote_id), {"pwdLastSet": "0"})
        return True

    def reset_credentials(self, remote_id: str, before: datetime) -> bool:
        set_at = self._password_set_at(remote_id)
        if set_at is not None and set_at > before:
            return False
        self._ldap.modify(by_guid(remote_id), {"unicodePwd": _random_password(), "pwdLastSet": "0"})
        return True

    def lockout_duration(self) -> timedelta | None:
        head = self._ldap.read(names.domain(self.settings.base_dn), ("lockoutDuration",))
        ticks = 0 if head is None else head.number("lockoutDuration")
        return None if ticks in {0, FOREVER} else timedelta(microseconds=-ticks // 10)

    # How it is written.

    def _create(self, desired: Desired) -> None:
        attributes: dict[str, str | bytes] = {name: value for name, value in desired.fields.items() if value}
        try:
            self._add(desired, attributes)
        except Refused as error:
            if error.code is not Code.AD_REFUSED_VALUE or desired.kind is Kind.AGENCY:
                raise
            # One value it does not take must not keep the person out: the account without, then what it takes.
            self._add(desired, {name: value for name, value in attributes.items() if name in NAMES})
            entry = self._ldap.read(self._dn_of_new(desired), (MARK,))
            if entry is not None:
                self._set(entry.guid, {name: value for name, value in desired.fields.items() if name not in NAMES})

    def _add(self, desired: Desired, attributes: dict[str, str | bytes]) -> None:
        attributes = attributes | {MARK: desired.mark}
        if desired.kind is Kind.ACCOUNT:
            attributes |= {
                "unicodePwd": _random_password(),
                "pwdLastSet": "0",
                "userAccountControl": str(NORMAL_ACCOUNT if desired.enabled else NORMAL_ACCOUNT | DISABLED),
            }
        classes, taken = CLASSES[desired.kind], TAKEN[desired.kind]
        try:
            self._ldap.add(self._dn_of_new(desired), classes, attributes, taken)
        except MissingError:
            # Its OU was renamed or moved since we read where it stands.
            self._places.pop(desired.place or "", None)
            self._ldap.add(self._dn_of_new(desired), classes, attributes, taken)

    def _dn_of_new(self, desired: Desired) -> str:
        return f"{_rdn(desired.kind, desired.name)},{self._place_dn(desired.place)}"

    def _set(self, guid: str, values: dict[str, str]) -> None:
        changes = {name: {name: value} for name, value in values.items() if name != BARS}
        if BARS in values:
            changes[BARS] = without_bars(self._entry(guid, READ))
        try:
            self._ldap.modify(by_guid(guid), {name: value for each in changes.values() for name, value in each.items()})
        except Refused as error:
            if error.code is not Code.AD_REFUSED_VALUE:
                raise
            refused: dict[str, Refused] = {}
            for name, change in changes.items():
                try:
                    self._ldap.modify(by_guid(guid), change)
                except Refused as refusal:
                    refused[name] = refusal
            if refused:
                raise Refused(error.code, f"{', '.join(refused)} {error.detail}", fields=sorted(refused)) from error

    def _set_enabled(self, guid: str, *, enabled: bool) -> None:
        control = self._entry(guid, ("userAccountControl",)).number("userAccountControl")
        control = control & ~DISABLED if enabled else control | DISABLED
        self._ldap.modify(by_guid(guid), {"userAccountControl": str(control)})

    def _move(self, step: Rename | Place, desired: Desired, observed: Observed) -> None:
        try:
            self._move_from(observed.address, step, desired)
        except Unreachable:
            raise
        except (Transient, Refused):
            # An OU above it, or the one it is to go to, may have been renamed or moved since we read where it stands:
            # to that a server may say no more than that it failed.
            before = (observed.address, self._places.pop(desired.place or "", None))
            entry = self._entry(observed.remote_id, (MARK,))
            if before == (entry.dn, None if desired.place is None else self._place_dn(desired.place)):
                raise
            self._move_from(entry.dn, step, desired)

    def _move_from(self, dn: str, step: Rename | Place, desired: Desired) -> None:
        if isinstance(step, Rename):
            self._ldap.move(dn, _rdn(desired.kind, step.after), None, TAKEN[desired.kind])
        else:
            self._ldap.move(dn, names.first(dn), self._place_dn(desired.place), TAKEN[desired.kind])

    def _delete(self, guid: str) -> None:
        try:
            self._ldap.delete(by_guid(guid))
        except MissingError:
            return
        except NotEmptyError as error:
            others = self._ldap.search(by_guid(guid), f"(!({MARK}=hufu:*))", (MARK,))
            if all(entry.guid == guid for entry in others):
                # Ours leave by themselves.
                raise Transient(error.code, "ours") from error
            raise

    # How it is read.

    def _search_domain(self, query: str, wanted: Collection[str]) -> list[Entry]:
        return self._ldap.search(names.domain(self.settings.base_dn), query, wanted)

    def _place_dn(self, place: str | None) -> str:
        if place is None:
            return self.settings.base_dn
        if place not in self._places:
            entry = self._ldap.read(by_guid(place), (MARK,))
            if entry is None:
                raise Transient(Code.WAITS_FOR_AGENCY, "its OU is missing")
            self._places[place] = entry.dn
        return self._places[place]

    def _password_set_at(self, remote_id: str) -> datetime | None:
        return self._entry(remote_id, ("pwdLastSet",)).moment("pwdLastSet")

    def _entry(self, guid: str, wanted: Collection[str]) -> Entry:
        entry = self._ldap.read(by_guid(guid), wanted)
        if entry is None:
            raise Gone(Code.GONE_IN_AD)
        return entry

    def _newest_change(self) -> ChangeCursor:
        """Positions are each server's own, and a server put back from a backup calls itself another."""
        root = self._ldap.read("", ("dsServiceName", "highestCommittedUSN"))
        server = None if root is None else self._ldap.read(root.text("dsServiceName"), ("invocationId",))
        if root is None or server is None:
            raise Misconfigured(Code.AD_REFUSED, "the server does not say which one it is")
        return ChangeCursor(server.values["invocationid"][0].hex(), root.number("highestCommittedUSN"))

    def _changed(self, after: int, newest: int, wanted: set[str], limit: int) -> tuple[list[Entry], int]:
        """What changed after a position, at most `limit` objects, and the position up to which that is all."""
        span = min(newest - after, self._span)
        while True:
            last = after + span
            query = f"(&(uSNChanged>={after + 1})(uSNChanged<={last})(|{OURS[Kind.AGENCY]}{OURS[Kind.ACCOUNT]}))"
            # In the whole domain: what was moved out of our OU changed, too.
            base = names.domain(self.settings.base_dn)
            page = next(self._ldap.pages(base, query, wanted | {"uSNChanged"}, limit + 1))
            if len(page) <= limit:
                self._span = min(self._span * 2, ALL)
                top = names.normal(self.settings.base_dn)
                return [entry for entry in page if names.normal(entry.dn) != top], last
            # A position belongs to one object at most, so a span as long as the limit always fits.
            span = self._span = max(span // 2, limit)

    def _places_of(self, entries: Sequence[Entry]) -> Callable[[str], str | None]:
        parents = sorted({names.parent(entry.dn) for entry in entries})
        known: dict[str, str] = {}
        for start in range(0, len(parents), ASKED_AT_ONCE):
            some = any_of([equal("distinguishedName", dn) for dn in parents[start : start + ASKED_AT_ONCE]])
            entries = self._search_domain(f"(&{OURS[Kind.AGENCY]}{some})", (MARK,))
            known |= {entry.dn: entry.guid for entry in entries}
        return _places(known, self.settings.base_dn)


class _Entries:
    """What a search for several objects brought."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.by_guid = {entry.guid: entry for entry in entries}

    def named(self, desired: Desired, parent: str) -> Entry | None:
        """The one with its name, ours before others'."""
        same = [entry for entry in self.by_guid.values() if _has_name_of(entry, desired, parent)]
        ours = [entry for entry in same if entry.text(MARK) == desired.mark]
        return next(iter(ours or same), None)

    def marked(self, mark: str, base: str) -> Entry | None:
        """The one below `base` with this mark: another registry's marks may be the same elsewhere in the domain."""
        ours = (entry for entry in self.by_guid.values() if entry.text(MARK) == mark)
        return next((entry for entry in ours if names.is_below(entry.dn, base)), None)


def _has_name_of(entry: Entry, desired: Desired, parent: str) -> bool:
    if desired.kind is Kind.AGENCY:
        if names.normal(names.parent(entry.dn)) != names.normal(parent):
            return False
        return folded(names.name(entry.dn)) == folded(desired.name)
    return any(
        entry.text(name).casefold() == desired.fields[name].casefold() for name in NAMES[:2] if name in desired.fields
    )


def _named(desired: Desired, *, by_mark: bool = False) -> str:
    if desired.kind is Kind.AGENCY:
        # The mark is no index: that search reads every OU.
        marked = [equal(MARK, desired.mark)] if by_mark else []
        return f"(&(objectClass=organizationalUnit){any_of([equal('ou', desired.name), *marked])})"
    return any_of([equal(name, desired.fields[name]) for name in NAMES[:2] if name in desired.fields])


def _places(known: dict[str, str], base: str) -> Callable[[str], str | None]:
    """From the DN of an OU to its id: None for our own top, the DN itself for what is not ours."""
    ids = {names.normal(dn): guid for dn, guid in known.items()}
    spelled: dict[str, str | None] = {**known, base: None}

    def place_of(dn: str) -> str | None:
        if dn not in spelled:
            normal = names.normal(dn)
            spelled[dn] = None if normal == names.normal(base) else ids.get(normal, dn)
        return spelled[dn]

    return place_of


def _read(fields: Iterable[str]) -> set[str]:
    """The attributes that tell of these fields, and of an object's state."""
    named = {*fields, *STATE}
    return named - {BARS} | READ if BARS in named else named


def _observed(kind: Kind, entry: Entry, place: str | None, fields: Collection[str]) -> Observed:
    is_account = kind is Kind.ACCOUNT
    return Observed(
        remote_id=entry.guid,
        mark=entry.text(MARK),
        name=names.name(entry.dn),
        place=place,
        address=entry.dn,
        enabled=not entry.number("userAccountControl") & DISABLED if is_account else None,
        fields={name: bars_of(entry) if name == BARS else entry.texts(name) for name in fields},
        locked_at=entry.moment("lockoutTime") if is_account else None,
        protected=_is_protected(entry),
    )


def _is_protected(entry: Entry) -> bool:
    """Under AdminSDHolder: the directory itself takes delegated rights on it away."""
    return entry.number("adminCount") == 1


def _random_password() -> bytes:
    """Long and of every class of characters, so that any policy takes it; known to nobody, used by nobody."""
    return f'"{secrets.token_urlsafe(36)}aA1!"'.encode("utf-16-le")


def _rdn(kind: Kind, name: str) -> str:
    return names.rdn(RDN[kind], name)
