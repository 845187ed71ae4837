"""What these use cases need of the tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

import hufu_registry.sync.use_cases as sync
from hufu_registry.accounts.model import AccountState
from hufu_registry.guard.model import Change, ChangeKind, GuardPolicy, HeldChange, StoredCommand
from hufu_registry.kernel.ids import AccountId, AgencyId


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an account stands; `agency_name` is the agency's full name."""

    account_id: AccountId
    account_name: str
    state: AccountState
    agency_id: AgencyId
    agency_name: str

    def loses(self, kind: ChangeKind, before: str, after: str) -> Change:
        return Change(kind, self.account_id, self.agency_id, self.account_name, self.agency_name, before, after)


class HeldChanges(Protocol):
    def add(self, held_change: HeldChange, command: StoredCommand, changes: Sequence[Change]) -> None: ...

    def get(self, held_id: UUID) -> HeldChange:
        """Locked until the transaction ends. Raises NotFound("held_change")."""

    def command_of(self, held_id: UUID) -> StoredCommand: ...

    def changes_of(self, held_id: UUID) -> Sequence[Change]: ...

    def save(self, held_change: HeldChange) -> None: ...

    def replace_changes(self, held_id: UUID, changes: Sequence[Change]) -> None: ...

    def standing_in(self, agency_ids: Collection[AgencyId]) -> Sequence[Standing]:
        """The accounts that these agencies themselves have and that are not deleted, by agency and name."""

    def standing(self, account_ids: Collection[AccountId]) -> Sequence[Standing]:
        """These accounts, by agency and name."""

    def accounts_at(self, agency_ids: Collection[AgencyId]) -> Mapping[AgencyId, int]:
        """How many accounts that are not deleted each of these agencies has itself."""


class Work(sync.Work, Protocol):
    @property
    def policy(self) -> GuardPolicy: ...
    @property
    def held_changes(self) -> HeldChanges: ...
    @property
    def commands(self) -> Mapping[str, Any]:
        """Every feature's guarded commands (`Command` types) by their kind."""
