"""What is done to many accounts at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from hufu_registry.accounts.model import MOVES, Account, AccountMove, AccountState
from hufu_registry.accounts.permissions import EDIT_ACCOUNTS
from hufu_registry.accounts.use_cases import delete, disable, outlives_transfer, transfer
from hufu_registry.agencies.permissions import EDIT_AGENCIES
from hufu_registry.guard.model import Change, ChangeKind
from hufu_registry.guard.use_cases.ports import Standing, Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.work import Services

LOST = {AccountMove.DISABLE: ChangeKind.DISABLE, AccountMove.DELETE: ChangeKind.DELETE}


@dataclass(frozen=True, slots=True)
class _OfAccounts:
    account_ids: tuple[AccountId, ...]

    def lock(self, work: Work) -> None:
        self._lock(work)

    def _lock(self, work: Work, changing: Collection[AgencyId] = ()) -> None:
        """In the order of all acts; the accounts follow one by one, in id order too, when the command runs.

        Raises Conflict("changed_meanwhile") where one came to stand elsewhere, or was given a right, while we waited.
        """
        homes, may_end = self._homes(work), work.grants.standing(self.account_ids)
        places = {grant.agency_id for grant in may_end if grant.agency_id is not None}
        work.agencies.lock(homes, changing=places.union(changing))
        work.grants.lock(may_end, work.actor.account_id)
        ids = {grant.id for grant in may_end}
        if self._homes(work) != homes or not {grant.id for grant in work.grants.standing(self.account_ids)} <= ids:
            raise Conflict("changed_meanwhile")

    def _homes(self, work: Work) -> set[AgencyId]:
        return {account.agency_id for account in work.held_changes.standing(self.account_ids)}

    def files(self) -> None:
        return None

    def _require(self, work: Work, permission: Permission, *more: AgencyId) -> None:
        for agency in work.agencies.several(self._homes(work).union(more)).values():
            work.require(permission, agency)
        work.require_as_wide(self.account_ids)

    def _ids(self) -> list[str]:
        return [str(account_id) for account_id in self.account_ids]


@dataclass(frozen=True, slots=True)
class _StateMove(_OfAccounts):
    """Accounts that are there already are left as they are."""

    reason: str
    move: ClassVar[AccountMove]

    def cause(self, work: Work) -> str:  # noqa: ARG002
        return self.reason

    def changes(self, work: Work) -> Sequence[Change]:
        moving = [
            account for account in work.held_changes.standing(self.account_ids) if (account.state, self.move) in MOVES
        ]
        return [
            account.loses(LOST[self.move], account.state.value, MOVES[account.state, self.move].value)
            for account in moving
        ]

    def values(self) -> Mapping[str, Any]:
        return {"account_ids": self._ids(), "reason": self.reason}


@dataclass(frozen=True, slots=True)
class DisableAccounts(_StateMove):
    kind: ClassVar[str] = "disable_accounts"
    move: ClassVar[AccountMove] = AccountMove.DISABLE

    def run(self, work: Work, services: Services[Work], actor: Actor) -> list[Account]:  # noqa: ARG002
        self._require(work, EDIT_ACCOUNTS)
        return [
            disable(work, services, account_id, reason=self.reason, bulk=len(self.account_ids) > 1)
            for account_id in sorted(set(self.account_ids))
            if work.accounts.get(account_id).state is not AccountState.DISABLED
        ]

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], _files: bytes | None) -> DisableAccounts:
        return cls(account_ids_in(values), values["reason"])


@dataclass(frozen=True, slots=True)
class DeleteAccounts(_StateMove):
    kind: ClassVar[str] = "delete_accounts"
    move: ClassVar[AccountMove] = AccountMove.DELETE

    def run(self, work: Work, services: Services[Work], actor: Actor) -> list[Account]:  # noqa: ARG002
        self._require(work, EDIT_ACCOUNTS)
        return [
            delete(work, services, account_id, reason=self.reason, bulk=len(self.account_ids) > 1)
            for account_id in sorted(set(self.account_ids))
            if work.accounts.get(account_id).state is not AccountState.DELETED
        ]

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], _files: bytes | None) -> DeleteAccounts:
        return cls(account_ids_in(values), values["reason"])


@dataclass(frozen=True, slots=True)
class TransferAccounts(_OfAccounts):
    agency_id: AgencyId
    kind: ClassVar[str] = "transfer_accounts"

    def cause(self, work: Work) -> str:
        return work.agencies.get(self.agency_id).name

    def lock(self, work: Work) -> None:
        several = work.agencies.several(self._homes(work) | {self.agency_id})
        above = {agency_id for agency in several.values() for agency_id in agency.path.ids}
        self._lock(work, above)

    def changes(self, work: Work) -> Sequence[Change]:
        new = work.agencies.get(self.agency_id)
        moving = [account for account in work.held_changes.standing(self.account_ids) if account.agency_id != new.id]
        homes = work.agencies.several({account.agency_id for account in moving})
        ending: dict[AccountId, set[AgencyId]] = {}
        by_id: dict[AccountId, Standing] = {account.account_id: account for account in moving}
        for grant in work.grants.standing(list(by_id)):
            old = homes[by_id[grant.account_id].agency_id]
            if grant.agency_id is not None and not outlives_transfer(grant, old, new):
                ending.setdefault(grant.account_id, set()).add(grant.agency_id)
        names = work.agencies.several({agency_id for lost in ending.values() for agency_id in lost})
        return [
            *(account.loses(ChangeKind.MOVE, account.agency_name, new.full_name) for account in moving),
            *(
                by_id[account_id].loses(
                    ChangeKind.LOSE_ROLES, ", ".join(sorted(names[agency_id].name for agency_id in lost)), ""
                )
                for account_id, lost in ending.items()
            ),
        ]

    def run(self, work: Work, services: Services[Work], actor: Actor) -> list[Account]:  # noqa: ARG002
        self._require(work, EDIT_AGENCIES, self.agency_id)
        return [
            transfer(work, services, account_id, self.agency_id, bulk=len(self.account_ids) > 1)
            for account_id in sorted(set(self.account_ids))
        ]

    def values(self) -> Mapping[str, Any]:
        return {"account_ids": self._ids(), "agency_id": self.agency_id}

    @classmethod
    def from_stored(cls, values: Mapping[str, Any], _files: bytes | None) -> TransferAccounts:
        return cls(account_ids_in(values), AgencyId(values["agency_id"]))


def account_ids_in(values: Mapping[str, Any]) -> tuple[AccountId, ...]:
    return tuple(AccountId(UUID(account_id)) for account_id in values["account_ids"])
