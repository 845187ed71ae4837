"""From one state to the next, within somebody else's transaction."""

from __future__ import annotations

from types import MappingProxyType
from uuid import UUID

from hufu_registry.accounts.model import Account, AccountMove, DisableCause, NameHolder, name_key
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.errors import Conflict

RECORDED_AS = MappingProxyType(
    {
        AccountMove.ACTIVATE: "account.activated",
        AccountMove.DISABLE: "account.disabled",
        AccountMove.RESTORE: "account.restored",
        AccountMove.REMAKE: "account.remade",
        AccountMove.DELETE: "account.deleted",
    }
)
SUSPENDED = "account.suspended"


def take_name(
    work: Work, account_name: str, holder: NameHolder, holder_id: UUID, *, case_id: UUID | None = None
) -> None:
    """Take the name within the transaction. Raises Conflict("account_name_taken")."""
    if not work.names.take(name_key(account_name), holder, holder_id, case_id=case_id):
        raise Conflict("account_name_taken")


def move_account(
    work: Work, account: Account, move: AccountMove, *, reason: str = "", cause: DisableCause | None = None
) -> Account:
    """Make the state move and its record within the transaction."""
    moved = account.moved(move, now=work.now, reason=reason, cause=cause)
    work.accounts.save(moved)
    if account.is_enabled or moved.is_enabled:
        work.grants.holder_changed(account.id)
    work.audit.record(
        SUSPENDED if cause is DisableCause.SECURITY else RECORDED_AS[move],
        object_kind="account",
        object_id=str(account.id),
        agency_id=account.agency_id,
        old={"state": account.state.value},
        new={"state": moved.state.value, "reason": reason} | ({"cause": cause.value} if cause else {}),
    )
    return moved
