"""The right to do something with an account, asked within the transaction that does it."""

from __future__ import annotations

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.permissions import Permission
from hufu_registry.rights.use_cases import require


def require_on_account(work: Work, actor: Actor, permission: Permission, account: Account) -> None:
    """Raises NotFound("account") for whoever may not do that to this account."""
    require(work, actor, permission, of="account", home_id=account.agency_id, path=account.agency_path)
