"""What happens to accounts; each function is one transaction or says that it joins one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

import hufu_registry.people.use_cases as people
import hufu_registry.rights.use_cases as rights
from hufu_registry.accounts.model import Account, AccountMove, AccountPolicy, AccountState, NameHolder, name_key
from hufu_registry.agencies.model import Agency, Path
from hufu_registry.kernel.errors import Conflict, IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.rights.model import Grant


class Accounts(Protocol):
    def get(self, account_id: AccountId, *, lock: bool = False) -> Account:
        """Raises NotFound("account")."""

    def find(self, account_id: AccountId) -> Account | None: ...

    def find_by_name(self, account_name: str) -> Account | None: ...

    def by_mailbox(self, mailbox_key: str) -> list[Account]:
        """Those not deleted whose backup mailbox it is."""

    def add(self, account: Account) -> None: ...

    def save(self, account: Account) -> None:
        """Raises Conflict("changed_meanwhile") where the stored version is not the one that was read."""

    def at_or_below(self, path: Path) -> Mapping[AgencyId, Sequence[AccountId]]:
        """Those not deleted, by their agency."""

    def hand_over(self, agency_id: AgencyId, successor: Agency) -> Sequence[AccountId]:
        """All of an agency's that are not deleted become its successor's; their ids."""

    def has_other_manager(self, agency_id: AgencyId | None, besides: AccountId) -> bool:
        """Whether an enabled one has a manager's grant rooted there; for None, a system manager's.

        The caller holds the agency's row locked; for None, the system managers' grants.
        """

    def unactivated_since(self, moment: datetime, limit: int) -> list[AccountId]:
        """Accounts approved before then and still not activated."""


class Names(Protocol):
    """Taken names: one row a name, whoever holds it."""

    def is_free(self, key: str, *, now: datetime, case_id: UUID | None = None) -> bool:
        """Whether nobody holds it (but this case itself), nor freed it less than the policy's rest ago."""

    def take(self, key: str, holder: NameHolder, holder_id: UUID | None, *, case_id: UUID | None = None) -> bool:
        """Take a free name, or one this case holds; false when somebody else was first."""

    def release(self, key: str, holder_id: UUID, *, rest: bool) -> None:
        """Free a name; with `rest` nobody gets it for the policy's time."""


class Work(people.Work, rights.Work, Protocol):
    @property
    def policy(self) -> AccountPolicy: ...
    @property
    def accounts(self) -> Accounts: ...
    @property
    def names(self) -> Names: ...


RECORDED_AS = MappingProxyType(
    {
        AccountMove.ACTIVATE: "account.activated",
        AccountMove.DISABLE: "account.disabled",
        AccountMove.RESTORE: "account.restored",
        AccountMove.REMAKE: "account.remade",
        AccountMove.DELETE: "account.deleted",
    }
)


def keep_a_manager(work: Work, account: Account, losing: Sequence[Grant]) -> None:
    """Nobody goes as the last one who could decide somewhere; the caller holds those agencies' rows locked.

    Raises IllegalMove("last_manager", agency).
    """
    if account.state is not AccountState.ENABLED:
        return
    for grant in losing:
        if grant.valid_from <= work.now and not work.accounts.has_other_manager(grant.agency_id, account.id):
            raise IllegalMove("last_manager", agency=grant.agency_id)


def take_name(
    work: Work, account_name: str, holder: NameHolder, holder_id: UUID, *, case_id: UUID | None = None
) -> None:
    """Take the name within the transaction. Raises Conflict("account_name_taken")."""
    if not work.names.take(name_key(account_name), holder, holder_id, case_id=case_id):
        raise Conflict("account_name_taken")


def move_account(work: Work, account: Account, move: AccountMove, *, reason: str = "") -> Account:
    """Make the state move and its record within the transaction."""
    moved = account.moved(move, now=work.now, reason=reason)
    work.accounts.save(moved)
    work.grants.holder_changed(account.id)
    work.audit.record(
        RECORDED_AS[move],
        object_kind="account",
        object_id=str(account.id),
        agency_id=account.agency_id,
        old={"state": account.state.value},
        new={"state": moved.state.value, "reason": reason},
    )
    return moved
