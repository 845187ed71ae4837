"""Held changes: acts that take something from many accounts, judged before the registry changes.

Every act has a change set. What takes too much is stored as held, with its list and its cause, and changes
nothing until a system manager releases it; then it is worked out afresh, and held again if it grew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.policy import setting
from hufu_registry.sync.model import SyncPolicy


@dataclass(frozen=True)
class GuardPolicy(SyncPolicy):
    """A change set is held that takes something from more than `guard_most` accounts, or from more than
    `guard_agency_more_than` and more than `guard_agency_percent` of one agency's.
    """

    guard_most: int = setting(100, minimum=0, maximum=1_000_000)
    guard_agency_more_than: int = setting(5, minimum=0, maximum=1_000_000)
    guard_agency_percent: int = setting(20, minimum=0, maximum=100)


class HeldState(StrEnum):
    HELD = "held"
    EXECUTED = "executed"
    CANCELLED = "cancelled"
    FAILED = "failed"


class HeldMove(StrEnum):
    RELEASE = "release"
    CANCEL = "cancel"
    FAIL = "fail"


MOVES = MappingProxyType(
    {
        (HeldState.HELD, HeldMove.RELEASE): HeldState.EXECUTED,
        (HeldState.HELD, HeldMove.CANCEL): HeldState.CANCELLED,
        # What names something that is not there any more could only be tried in vain, for ever.
        (HeldState.HELD, HeldMove.FAIL): HeldState.FAILED,
    }
)


class ChangeKind(StrEnum):
    """What an account loses."""

    DISABLE = "disable"
    DELETE = "delete"
    MOVE = "move"
    LOSE_ROLES = "lose_roles"


@dataclass(frozen=True, slots=True)
class Change:
    """One account's loss. `agency_id` is where it stands before; `before` and `after` are for people to read."""

    kind: ChangeKind
    account_id: AccountId
    agency_id: AgencyId
    account_name: str
    agency_name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Limits:
    most: int
    agency_more_than: int
    agency_percent: int


class Verdict(StrEnum):
    ALLOWED = "allowed"
    CONFIRM = "confirm"  # whoever asks may confirm it, knowing the number
    SECOND_PERSON = "second_person"  # only a system manager other than the one who asks


def judge(changes: Sequence[Change], accounts_at: Mapping[AgencyId, int], limits: Limits) -> Verdict:
    """What a change set needs; `accounts_at` is how many accounts each agency has. An account counts once."""
    touched = {change.account_id: change.agency_id for change in changes}
    # First, because it is the stronger: a confirmation does not make up for a second person.
    if len(touched) > limits.most:
        return Verdict.SECOND_PERSON
    for agency_id, count in Counter(touched.values()).items():
        # Both: a small office has its ordinary leavers, and six of a ministry's are no share of it (0020).
        share = count * 100
        if count > limits.agency_more_than and share > limits.agency_percent * accounts_at.get(agency_id, count):
            return Verdict.CONFIRM
    return Verdict.ALLOWED


def limits_of(policy: GuardPolicy) -> Limits:
    return Limits(policy.guard_most, policy.guard_agency_more_than, policy.guard_agency_percent)


def touched(changes: Sequence[Change]) -> int:
    """How many accounts a change set touches."""
    return len({change.account_id for change in changes})


def grown(changes: Sequence[Change], seen: Sequence[Change]) -> frozenset[tuple[object, ...]]:
    """What the change set has that the one people saw had not: another account, or another before or after."""
    # Not by their number: somebody may have come in for somebody who left. Fewer need no new look.
    return frozenset(map(_loss, changes)) - frozenset(map(_loss, seen))


def _loss(change: Change) -> tuple[object, ...]:
    return change.kind, change.account_id, change.before, change.after


@dataclass(frozen=True, slots=True)
class Done:
    """It was done. `result` is what the act returns, `run_id` the bulk run to watch, where there is one."""

    result: object
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """Nothing was done: whoever asks may confirm it, knowing that it touches `count` accounts, these among them."""

    count: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Nothing was done: it waits for a system manager."""

    held_id: UUID
    count: int


Outcome = Done | Unconfirmed | Held


@dataclass(frozen=True, slots=True)
class StoredCommand:
    """A command as it is kept: its kind, its values as JSON, its files as one."""

    kind: str
    values: Mapping[str, Any]
    files: bytes | None = None


@dataclass(frozen=True, slots=True)
class HeldChange:
    """A stored act. `count` is how many accounts its change set touches.

    `cause` is the name that goes with the kind: of the agency, of the file. `reason` is why it was thrown away,
    `failure` the code of the rule that a release met last.
    """

    id: UUID
    kind: str
    state: HeldState
    cause: str
    count: int
    requested_at: datetime
    requested_by: AccountId | None
    decided_at: datetime | None = None
    decided_by: AccountId | None = None
    reason: str = ""
    failure: str = ""
    version: int = 1

    def moved(self, move: HeldMove, *, now: datetime, by: AccountId | None) -> HeldChange:
        """Raises IllegalMove("held_change_state", state)."""
        state = MOVES.get((self.state, move))
        if state is None:
            raise IllegalMove("held_change_state", state=self.state.value, move=move.value)
        return replace(self, state=state, decided_at=now, decided_by=by)

    def moves(self) -> frozenset[HeldMove]:
        """What could be done to it in its state, whoever asks."""
        return frozenset(move for state, move in MOVES if state is self.state)

    def needs_another_than(self, account_id: AccountId | None, limits: Limits) -> bool:
        """Whether this person asked for it himself, and it is too much for one person to decide."""
        # By the limits of the day of the release, as the act itself is judged then.
        return self.count > limits.most and account_id == self.requested_by
