"""Targets that live in memory: they keep the same promises as the real ones, and break when they are told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import Enum
from uuid import uuid4

from hufu_registry.kernel.outbox import Kind
from hufu_registry.notices.model import Mail
from hufu_registry.sync.model import ChangeCursor, Code
from hufu_registry.sync.model.plan import (
    Adopt,
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
from hufu_sync.errors import Conflict, Gone, Refused, TargetError, Transient, Unreachable
from hufu_sync.targets.port import Asked, Changes, Credentials, Found, Locked, SignInEvent


@dataclass(eq=False)
class Thing:
    """`changed` is its place in the target's own list of changes."""

    kind: Kind
    mark: str
    name: str
    place: str | None
    enabled: bool | None
    fields: dict[str, str]
    surplus: set[str] = field(default_factory=set)
    protected: bool = False
    changed: int = 0


def is_inside(place: str | None) -> bool:
    """What stands at an address of its own was moved out of our part of the directory."""
    return "=" not in (place or "")


class Break(Enum):
    """How a call fails: with which error, and whether it had its effect before."""

    NETWORK = (Unreachable(Code.AD_UNREACHABLE), False)
    LOST_ANSWER = (Unreachable(Code.AD_UNREACHABLE), True)
    TIMEOUT = (Unreachable(Code.AD_TIMEOUT), True)
    SCHEMA = (Refused(Code.AD_REFUSED_VALUE), False)
    CONFLICT = (Conflict(Code.NAME_TAKEN_IN_AD), False)
    POLICY = (Refused(Code.AD_REFUSED), False)


@dataclass
class FakeTarget:
    """A directory and a sign-in server in one, for any number of threads.

    `remakes` is true for a target whose lost objects are made again rather than missed for good. `calls` has one
    entry for each call of the port: "find account", "Create account", "unlock", … A call takes `delay` seconds.
    """

    remakes: bool = False
    things: dict[str, Thing] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    delay: float = 0.0
    mails: list[str] = field(default_factory=list)
    otp_mails: list[str] = field(default_factory=list)
    logouts: list[str] = field(default_factory=list)
    happened: list[SignInEvent] = field(default_factory=list)
    having: dict[str, Credentials] = field(default_factory=dict)
    having_since: dict[str, datetime] = field(default_factory=dict)
    passwords: dict[str, datetime] = field(default_factory=dict)
    asked_to_change: list[str] = field(default_factory=list)
    locks: dict[str, Locked] = field(default_factory=dict)
    lockout: timedelta | None = timedelta(minutes=15)
    spoilt: dict[str, TargetError] = field(default_factory=dict)
    server: str = "the first"
    counter: int = 0
    before: Callable[[str], None] = lambda call: None
    after: Callable[[str], None] = lambda call: None
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def _call(self, name: str) -> None:
        with self._lock:
            self.calls.append(name)
        if self.delay:
            time.sleep(self.delay)
        self.before(name)

    # Its state.

    def probe(self) -> None:
        self._call("probe")

    def close(self) -> None:
        pass

    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        if not asked:
            return []
        name = f"find {asked[0].desired.kind.value}"
        self._call(name)
        with self._lock:
            found = [self._find(each) for each in asked]
        self.after(name)
        return found

    def _find(self, asked: Asked) -> Found:
        desired, remote_id = asked.desired, asked.remote_id
        if desired.mark in self.spoilt:
            return self.spoilt[desired.mark]
        thing = self.things.get(remote_id or "")
        if thing is None:
            if remote_id is not None and desired.exists and not self.remakes:
                return Gone(Code.GONE_IN_AD)
            marked = self.of(desired.mark) if asked.in_flight and remote_id is None else []
            remote_id, thing = marked[0] if marked else self._named(desired)
            if thing is not None and thing.mark != desired.mark and not desired.exists:
                return None
        if thing is None or remote_id is None:
            return None
        if thing.mark != desired.mark:
            return Conflict(Code.NAME_TAKEN_IN_AD if desired.kind is Kind.ACCOUNT else Code.OU_TAKEN)
        if thing.protected:
            return Refused(Code.PROTECTED_IN_AD)
        return self._observed(remote_id, thing, desired.fields)

    def _observed(self, remote_id: str, thing: Thing, fields: Collection[str]) -> Observed:
        lock = self.locks.get(remote_id)
        return Observed(
            remote_id=remote_id,
            mark=thing.mark,
            name=thing.name,
            place=thing.place,
            address=f"{thing.place}/{thing.name}",
            enabled=thing.enabled,
            fields={name: thing.fields.get(name, "") for name in fields},
            surplus=frozenset(thing.surplus),
            locked_at=None if lock is None else lock.since,
            protected=thing.protected,
            second_factor=self.having[remote_id].otp if remote_id in self.having else None,
        )

    def _named(self, desired: Desired) -> tuple[str | None, Thing | None]:
        same_name = [
            (remote_id, thing)
            for remote_id, thing in self.things.items()
            if thing.kind is desired.kind
            and thing.name.lower() == desired.name.lower()
            and (desired.kind is Kind.ACCOUNT or thing.place == desired.place)
        ]
        ours = [pair for pair in same_name if pair[1].mark == desired.mark]
        return next(iter(ours or same_name), (None, None))

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> None:
        name = f"{type(step).__name__} {desired.kind.value}"
        self._call(name)
        with self._lock:
            if observed is None:
                self._create(desired)
            else:
                self._change(step, desired, observed)
        self.after(name)

    def _create(self, desired: Desired) -> None:
        if self._named(desired)[1] is not None:
            raise Conflict(Code.NAME_TAKEN_IN_AD)
        thing = Thing(desired.kind, desired.mark, desired.name, desired.place, desired.enabled, dict(desired.fields))
        self.things[str(uuid4())] = thing
        self.touch(thing)

    def _change(self, step: Step, desired: Desired, observed: Observed) -> None:
        remote_id = observed.remote_id
        thing = self.things.get(remote_id)
        if isinstance(step, Delete):
            inside = [other for other in self.things.values() if other.place == remote_id]
            if inside:
                ours = all(other.mark.startswith("hufu:") for other in inside)
                raise Transient(Code.OU_NOT_EMPTY) if ours else Conflict(Code.OU_NOT_EMPTY)
            self.things.pop(remote_id, None)
            return
        if thing is None:
            raise Gone(Code.GONE_IN_AD)
        if isinstance(step, Rename):
            self._take(replace(desired, name=step.after, place=thing.place), thing)
            thing.name = step.after
        elif isinstance(step, Place):
            self._take(replace(desired, name=thing.name, place=step.after), thing)
            thing.place = step.after
        elif isinstance(step, Leave):
            thing.surplus.discard(step.place)
        elif isinstance(step, SetEnabled):
            thing.enabled = step.after
        elif isinstance(step, SetFields):
            thing.fields |= {field_name: after for field_name, _, after in step.changes}
        elif isinstance(step, Adopt):
            if thing.mark or thing.protected:
                raise Conflict(Code.NAME_TAKEN_IN_AD)
            thing.mark = desired.mark
        self.touch(thing)

    def _take(self, desired: Desired, thing: Thing) -> None:
        """Its name and place, which no other agency has."""
        _, holder = self._named(replace(desired, mark=""))
        if holder not in {None, thing} and desired.kind is Kind.AGENCY:
            raise Conflict(Code.OU_TAKEN)

    def everything(self, kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        self._call(f"everything {kind.value}")
        with self._lock:
            ours = [
                self._observed(remote_id, thing, fields)
                for remote_id, thing in sorted(self.things.items(), key=lambda item: self._depth(item[1]))
                if thing.kind is kind and thing.mark.startswith("hufu:") and is_inside(thing.place)
            ]
        for at in range(0, len(ours), 100):
            yield ours[at : at + 100]

    def _depth(self, thing: Thing) -> int:
        above = self.things.get(thing.place or "")
        return 0 if above is None else self._depth(above) + 1

    # Acts.

    def send_activation_mail(self, remote_id: str) -> None:
        self._call("mail")
        self.mails.append(remote_id)
        self.after("mail")

    def send_otp_mail(self, remote_id: str) -> None:
        self._call("otp mail")
        self.otp_mails.append(remote_id)
        self.after("otp mail")

    def end_sessions(self, remote_id: str) -> None:
        self._call("logout")
        self.logouts.append(remote_id)
        self.after("logout")

    def unlock(self, remote_id: str) -> None:
        self._call("unlock")
        with self._lock:
            if self.locks.pop(remote_id, None) is not None and remote_id in self.things:
                self.touch(self.things[remote_id])
        self.after("unlock")

    def must_change(self, remote_id: str, before: datetime) -> bool:
        self._call("must_change")
        newer = self._set_after(remote_id, before)
        if not newer:
            self.passwords.pop(remote_id, None)
            self.asked_to_change.append(remote_id)
        self.after("must_change")
        return not newer

    def reset_credentials(self, remote_id: str, before: datetime) -> bool:
        self._call("reset_credentials")
        newer = self._set_after(remote_id, before)
        if not newer:
            self.passwords.pop(remote_id, None)
            self.having.pop(remote_id, None)
        self.after("reset_credentials")
        return not newer

    def only_inherit(self, remote_id: str) -> None:
        self._call("only_inherit")
        assert remote_id in self.things

    def _set_after(self, remote_id: str, before: datetime) -> bool:
        moments = (self.passwords.get(remote_id), self.having_since.get(remote_id))
        return any(moment is not None and moment > before for moment in moments)

    # What it says.

    def credentials(self, remote_id: str) -> Credentials:
        self._call("credentials")
        return self.having.get(remote_id, Credentials(password=False, otp=False))

    def password_is_set(self, remote_id: str) -> bool:
        self._call("password_is_set")
        return remote_id in self.passwords

    def lock_of(self, remote_id: str) -> Locked | None:
        self._call("lock_of")
        return self.locks.get(remote_id)

    def lockout_duration(self) -> timedelta | None:
        self._call("lockout_duration")
        return self.lockout

    def account_of(self, remote_id: str) -> str | None:
        self._call("account_of")
        thing = self.things.get(remote_id)
        return None if thing is None else thing.mark.removeprefix("hufu:account:") or None

    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        self._call("events")
        found = sorted((event for event in self.happened if event.at >= since), key=lambda event: event.at)
        return found[first : first + limit]

    def changes(self, cursor: ChangeCursor | None, fields: Collection[str], limit: int) -> Changes:
        self._call("changes")
        with self._lock:
            if cursor is None:
                return Changes(ChangeCursor(self.server, self.counter))
            if cursor.server != self.server or cursor.position > self.counter:
                return Changes(ChangeCursor(self.server, self.counter), restarted=True)
            found = sorted(
                (
                    (thing.changed, remote_id, thing)
                    for remote_id, thing in self.things.items()
                    if thing.changed > cursor.position and thing.mark.startswith("hufu:")
                ),
                key=lambda row: row[0],
            )
            told = [(thing.kind, self._observed(remote_id, thing, fields)) for _, remote_id, thing in found[:limit]]
            seen = [(kind, observed) for kind, observed in told if is_inside(observed.place)]
            more = len(found) > limit
            return Changes(
                cursor=ChangeCursor(self.server, found[limit - 1][0] if more else self.counter),
                accounts=[observed for kind, observed in seen if kind is Kind.ACCOUNT],
                agencies=[observed for kind, observed in seen if kind is Kind.AGENCY],
                outside=[observed for _, observed in told if not is_inside(observed.place)],
                more=more,
            )

    def foreign(self, desired: Desired) -> Observed | None:
        self._call("foreign")
        remote_id, thing = self._named(desired)
        if thing is None or remote_id is None or thing.mark:
            return None
        if thing.protected:
            raise Refused(Code.PROTECTED_IN_AD)
        return self._observed(remote_id, thing, desired.fields)

    # What tests do to it.

    def of(self, mark: str) -> list[tuple[str, Thing]]:
        return [(remote_id, thing) for remote_id, thing in self.things.items() if thing.mark == mark]

    def touch(self, thing: Thing) -> None:
        """Somebody changed it; tests that write to a thing by hand say so with this."""
        with self._lock:
            self.counter += 1
            thing.changed = self.counter

    def lock(self, remote_id: str, since: datetime, until: datetime | None = None) -> None:
        """Too many wrong passwords."""
        self.locks[remote_id] = Locked(since, until)
        self.touch(self.things[remote_id])

    def stand_in_the_way(self, name: str, *, protected: bool = False) -> str:
        """Somebody else's account of that name; its id."""
        remote_id = str(uuid4())
        self.things[remote_id] = Thing(Kind.ACCOUNT, "", name, None, True, {"title": "theirs"}, protected=protected)
        return remote_id

    def breaks(self, how: Break, *, when: str, times: int = 10**6) -> None:
        error, afterwards = how.value
        self.fail(error, when=when, times=times, afterwards=afterwards)

    def spoil(self, mark: str, error: TargetError) -> None:
        """From now on this one object cannot be read."""
        self.spoilt[mark] = error

    def fail(
        self, error: TargetError, *, when: str, times: int = 10**6, after: int = 0, afterwards: bool = False
    ) -> None:
        """Raise `error` at calls beginning with `when`, but for the first `after` of them; `afterwards` means that the
        effect happened before.
        """
        good, left = [after], [times]

        def hook(call: str) -> None:
            with self._lock:
                meant = call.startswith(when)
                strikes = meant and good[0] <= 0 < left[0]
                good[0] -= meant
                left[0] -= strikes
            if strikes:
                raise error

        if afterwards:
            self.after = hook
        else:
            self.before = hook

    def heal(self) -> None:
        self.before = self.after = lambda call: None
        self.spoilt.clear()

    def saw(
        self,
        remote_id: str,
        kind: str = "LOGIN",
        *,
        at: datetime | None = None,
        event_id: str = "",
        error: str = "",
        names: tuple[str, str] = ("", ""),
    ) -> None:
        self.happened.append(
            SignInEvent(
                id=event_id or str(uuid4()),
                user_id=remote_id,
                type=kind,
                client="sample-application",
                address="192.0.2.1",
                at=at or datetime.now(UTC),
                error=error,
                client_name=names[0],
                client_name_en=names[1],
            )
        )


@dataclass
class FakePost:
    sent: list[tuple[str, str, str, str]] = field(default_factory=list)
    error: TargetError | None = None

    def probe(self) -> None:
        if self.error is not None:
            raise self.error

    def send(self, mail: Mail, *, message_id: str) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((message_id, mail.recipient, mail.subject, mail.text))
