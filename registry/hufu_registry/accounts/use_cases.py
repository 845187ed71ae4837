"""What happens to accounts; each function is one transaction or says that it joins one."""

from __future__ import annotations

from datetime import datetime
from types import MappingProxyType
from typing import Protocol
from uuid import UUID

import hufu_registry.people.use_cases as people
import hufu_registry.rights.use_cases as rights
from hufu_registry.accounts.model import Account, AccountMove, NameHolder, name_key
from hufu_registry.kernel.errors import Conflict
from hufu_registry.kernel.ids import AccountId


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
    def accounts(self) -> Accounts: ...
    @property
    def names(self) -> Names: ...


RECORDED_AS = MappingProxyType(
    {
        AccountMove.ACTIVATE: "account.activated",
        AccountMove.DISABLE: "account.disabled",
        AccountMove.RESTORE: "account.restored",
        AccountMove.DELETE: "account.deleted",
    }
)


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
    work.audit.record(
        RECORDED_AS[move],
        object_kind="account",
        object_id=str(account.id),
        agency_id=account.agency_id,
        old={"state": account.state.value},
        new={"state": moved.state.value, "reason": reason},
    )
    return moved
