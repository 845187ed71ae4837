"""Review cases (審核案件): their states as one table, and who may decide."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from hufu_registry.agencies.model import Path
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.mapping import SEALED
from hufu_registry.kernel.permissions import Permission
from hufu_registry.rights.model import Rights


class CaseState(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class CaseMove(StrEnum):
    CHANGE = "change"
    WITHDRAW = "withdraw"
    APPROVE = "approve"
    REJECT = "reject"


MOVES = MappingProxyType(
    {
        (CaseState.PENDING, CaseMove.CHANGE): CaseState.PENDING,
        (CaseState.PENDING, CaseMove.WITHDRAW): CaseState.WITHDRAWN,
        (CaseState.PENDING, CaseMove.APPROVE): CaseState.APPROVED,
        (CaseState.PENDING, CaseMove.REJECT): CaseState.REJECTED,
    }
)


@dataclass(frozen=True, slots=True)
class Summary:
    """What the core says of a form it does not know.

    `subject` is whom or what it is about, `detail` stands beside it; `unit_id` the unit of the agency it belongs to.
    `found_by` are the texts the queue's search looks in: they lie in clear, so nothing that has to be sealed.
    `person` marks whose it is: names of marks, like "mobile", and their texts, looked for in other cases and accounts
    by keyed hash; the case's mailbox need not be among them. `compared` is shown side by side with the other's.
    """

    subject: str
    detail: str = ""
    account_name: str = ""
    unit_id: AgencyId | None = None
    unit_name: str = ""
    found_by: tuple[str, ...] = ()
    person: Mapping[str, str] = field(default_factory=dict)
    compared: Mapping[str, str] = field(default_factory=dict)


class Form(Protocol):
    """What the applicant fills in, as the engine sees it: a frozen dataclass of the type's own."""

    @property
    def summary(self) -> Summary: ...

    def audited(self) -> dict[str, object]:
        """What a record may show of it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case on its way, of any type. `number` is what people read out; `version` counts the applicant's changes.

    `deciding_agency_id` is kept by the store; there is none where the system managers decide. `collision` is true while
    the approved account's name turned out to be somebody else's in a target.
    """

    id: CaseId
    number: int
    type: str
    state: CaseState
    form: Form
    agency_id: AgencyId
    agency_path: Path
    mailbox: str = field(metadata=SEALED)
    language: str
    consent_version: str
    created_at: datetime
    updated_at: datetime
    version: int = 1
    decided_at: datetime | None = None
    decided_by: AccountId | None = None
    decision_reason: str = ""
    deciding_agency_id: AgencyId | None = None
    account_id: AccountId | None = None
    collision: bool = False

    def after(self, move: CaseMove) -> CaseState:
        """The state after `move`. Raises IllegalMove("case_state") with who-and-when for the page."""
        state = MOVES.get((self.state, move))
        if state is None:
            raise IllegalMove(
                "case_state",
                state=self.state.value,
                move=move.value,
                decided_at=self.decided_at,
                decided_by=self.decided_by,
            )
        return state

    def moves(self) -> frozenset[CaseMove]:
        """What could be done to it in its state, whoever asks."""
        return frozenset(move for state, move in MOVES if state is self.state)


def may(rights: Rights, permission: Permission, case: Case, deciding_agency: AgencyId | None) -> bool:
    """Whether the asker may see or decide the case: by his grants, or because it came up to his agency.

    `permission` is its type's to see or to decide; `repository.allowed` says it in SQL.
    """
    if rights.allows(permission, home_id=case.agency_id, path=case.agency_path):
        return True
    return deciding_agency is not None and rights.rooted_at(deciding_agency, permission)


def differences(mine: Mapping[str, str], theirs: Mapping[str, str]) -> frozenset[str]:
    """The fields both have, in which they differ."""
    return frozenset(field for field in mine.keys() & theirs.keys() if mine[field] != theirs[field])
