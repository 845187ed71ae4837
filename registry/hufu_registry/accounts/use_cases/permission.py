"""The right to do something with an account, asked within the transaction that does it."""

from __future__ import annotations

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Permission
from hufu_registry.rights.use_cases import require


def require_on_account(work: Work, actor: Actor, permission: Permission, account: Account) -> None:
    """Raises NotFound("account") for whoever may not do that to this account."""
    require(work, actor, permission, of="account", home_id=account.agency_id, path=account.agency_path)


def hold_places(work: Work, account_id: AccountId) -> None:
    """Hold its agency, and those it manages to be changed: an account that comes to count, or ceases to, changes who
    decides there. Nothing for one that is not there.
    """
    account = work.accounts.find(account_id)
    if account is not None:
        managed = {grant.agency_id for grant in work.grants.standing([account_id]) if grant.agency_id is not None}
        work.agencies.lock([account.agency_id], changing=managed)


def account_to_change(work: Work, actor: Actor, permission: Permission, account_id: AccountId) -> Account:
    """The account, locked, once the permission was asked: first its agency, then the asker's grants, then itself.

    Raises NotFound("account"), Denied("wider_rights") where its person has rights that the asker has not,
    Conflict("changed_meanwhile") where it came to stand elsewhere while we waited.
    """
    seen = work.accounts.get(account_id)
    # Shared: many may act on an agency's accounts, while nobody moves it or takes its managers away.
    work.agencies.lock([seen.agency_id])
    require_on_account(work, actor, permission, seen)
    account = work.accounts.get(account_id, lock=True)
    if account.agency_path != seen.agency_path:
        raise Conflict("changed_meanwhile")
    # Only now: whoever gives it a right waits for the account.
    work.require_as_wide([account_id])
    return account
