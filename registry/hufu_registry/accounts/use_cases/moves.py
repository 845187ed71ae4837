"""From one state to the next, within somebody else's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from uuid import UUID

from hufu_registry.accounts.model import Account, AccountMove, AccountState, NameHolder, name_key
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.errors import Conflict, IllegalMove
from hufu_registry.rights.model import Grant

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
    if AccountState.ENABLED in {account.state, moved.state}:
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
