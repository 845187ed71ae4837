"""Targets that live in memory: they keep the same promises as the real ones, and break when they are told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import Create, Desired, Leave, Observed, Place, Rename, SetEnabled, SetFields, Step
from hufu_sync.errors import Conflict, Gone, TargetError, Transient
from hufu_sync.targets.port import Credentials, SignInEvent


@dataclass
class Thing:
    kind: Kind
    mark: str
    name: str
    place: str | None
    enabled: bool | None
    fields: dict[str, str]
    surplus: set[str] = field(default_factory=set)


@dataclass
class FakeTarget:
    """`remakes` is true for a target whose lost objects are made again rather than missed for good."""

    remakes: bool = False
    things: dict[str, Thing] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    logouts: list[str] = field(default_factory=list)
    happened: list[SignInEvent] = field(default_factory=list)
    having: dict[str, Credentials] = field(default_factory=dict)
    with_password: set[str] = field(default_factory=set)
    before: Callable[[str], None] = lambda call: None
    after: Callable[[str], None] = lambda call: None

    def _call(self, name: str) -> None:
        self.calls.append(name)
        self.before(name)

    def probe(self) -> None:
        self._call("probe")

    def find(self, desired: Desired, remote_id: str | None) -> Observed | None:
        self._call(f"find {desired.kind.value}")
        thing = self.things.get(remote_id or "")
        if remote_id is not None and thing is None and not self.remakes:
            raise Gone(Code.GONE_IN_AD)
        if thing is None:
            remote_id, thing = self._named(desired)
        if thing is None or remote_id is None:
            return None
        if thing.mark != desired.mark:
            raise Conflict(Code.NAME_TAKEN_IN_AD)
        return Observed(
            remote_id=remote_id,
            mark=thing.mark,
            name=thing.name,
            place=thing.place,
            address=f"{thing.place}/{thing.name}",
            enabled=thing.enabled,
            fields={name: thing.fields.get(name, "") for name in desired.fields},
            surplus=frozenset(thing.surplus),
        )

    def _named(self, desired: Desired) -> tuple[str | None, Thing | None]:
        for remote_id, thing in self.things.items():
            same_place = desired.kind is Kind.ACCOUNT or thing.place == desired.place
            if thing.kind is desired.kind and thing.name.lower() == desired.name.lower() and same_place:
                return remote_id, thing
        return None, None

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> str:
        name = f"{type(step).__name__} {desired.kind.value}"
        self._call(name)
        if isinstance(step, Create):
            if self._named(desired)[1] is not None:
                raise Conflict(Code.NAME_TAKEN_IN_AD)
            remote_id = str(uuid4())
            self.things[remote_id] = Thing(
                desired.kind, desired.mark, desired.name, desired.place, desired.enabled, dict(desired.fields)
            )
            self.after(name)
            return remote_id
        assert observed is not None
        thing = self.things[observed.remote_id]
        if isinstance(step, Rename):
            thing.name = step.after
        elif isinstance(step, Place):
            thing.place = step.after
        elif isinstance(step, Leave):
            thing.surplus.discard(step.place)
        elif isinstance(step, SetEnabled):
            thing.enabled = step.after
        elif isinstance(step, SetFields):
            thing.fields |= {field_name: after for field_name, _, after in step.changes}
        self.after(name)
        return observed.remote_id

    def send_activation_mail(self, remote_id: str) -> None:
        self._call("mail")
        self.mails.append(remote_id)
        self.after("mail")

    def end_sessions(self, remote_id: str) -> None:
        self._call("logout")
        self.logouts.append(remote_id)
        self.after("logout")

    def credentials(self, remote_id: str) -> Credentials:
        self._call("credentials")
        return self.having.get(remote_id, Credentials(password=False, otp=False))

    def password_is_set(self, remote_id: str) -> bool:
        self._call("password_is_set")
        return remote_id in self.with_password

    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        self._call("events")
        found = sorted((event for event in self.happened if event.at >= since), key=lambda event: event.at)
        return found[first : first + limit]

    # What tests do to it.

    def of(self, mark: str) -> list[tuple[str, Thing]]:
        return [(remote_id, thing) for remote_id, thing in self.things.items() if thing.mark == mark]

    def stand_in_the_way(self, name: str) -> None:
        """Somebody else's account of that name."""
        self.things[str(uuid4())] = Thing(Kind.ACCOUNT, "", name, None, True, {"title": "theirs"})

    def fail(self, error: TargetError, *, when: str, times: int = 10**6, afterwards: bool = False) -> None:
        """Raise `error` at calls beginning with `when`; `afterwards` means that the effect happened before."""
        left = [times]

        def hook(call: str) -> None:
            if call.startswith(when) and left[0] > 0:
                left[0] -= 1
                raise error

        if afterwards:
            self.after = hook
        else:
            self.before = hook

    def heal(self) -> None:
        self.before = self.after = lambda call: None

    def saw(self, remote_id: str, kind: str = "LOGIN", *, at: datetime | None = None, event_id: str = "") -> None:
        self.happened.append(
            SignInEvent(
                id=event_id or str(uuid4()),
                user_id=remote_id,
                type=kind,
                client="sample-application",
                address="192.0.2.1",
                at=at or datetime.now(UTC),
                error="",
            )
        )


@dataclass
class FakePost:
    sent: list[tuple[str, str, str, str]] = field(default_factory=list)
    error: TargetError | None = None

    def probe(self) -> None:
        if self.error is not None:
            raise self.error

    def send(self, *, message_id: str, recipient: str, subject: str, text: str) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((message_id, recipient, subject, text))


def later() -> Transient:
    return Transient(Code.AD_BUSY)
