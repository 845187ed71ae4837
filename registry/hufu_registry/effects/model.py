"""Effects: acts that take something from many accounts, judged before the registry changes.

Every act has a change set. What takes too much is stored as held, with its list and its cause, and changes
nothing until a system manager releases it; then it is worked out afresh, and held again if it grew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from hufu_registry.kernel.ids import AccountId, AgencyId


class EffectKind(StrEnum):
    RENAME_AGENCY = "rename_agency"
    MOVE_AGENCY = "move_agency"
    MERGE_AGENCY = "merge_agency"
    IMPORT_AGENCIES = "import_agencies"
    TRANSFER_ACCOUNTS = "transfer_accounts"
    DISABLE_ACCOUNTS = "disable_accounts"
    DELETE_ACCOUNTS = "delete_accounts"


class EffectState(StrEnum):
    HELD = "held"
    EXECUTED = "executed"
    CANCELLED = "cancelled"
    FAILED = "failed"


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
    if len(touched) > limits.most:
        return Verdict.SECOND_PERSON
    for agency_id, count in Counter(touched.values()).items():
        share = count * 100
        if count > limits.agency_more_than and share > limits.agency_percent * accounts_at.get(agency_id, count):
            return Verdict.CONFIRM
    return Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class Effect:
    """A stored act. `count` is how many accounts its change set touches.

    `cause` is the name that goes with the kind: of the agency, of the file. `reason` is why it was thrown away,
    `failure` the code of the rule that a release met last.
    """

    id: UUID
    kind: EffectKind
    state: EffectState
    cause: str
    count: int
    requested_at: datetime
    requested_by: AccountId | None
    decided_at: datetime | None = None
    decided_by: AccountId | None = None
    reason: str = ""
    failure: str = ""
    version: int = 1
