"""Mails about accounts to those who answer for them."""

from __future__ import annotations

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.notices import ACCOUNT_SUSPENDED
from hufu_registry.accounts.permissions import SUSPEND_ACCOUNTS
from hufu_registry.accounts.use_cases.ports import Work


def tell_managers_above(work: Work, account: Account) -> None:
    """That it was suspended in an emergency, without naming its person; whoever did it knows."""
    agency = work.agencies.get(account.agency_id)
    for manager in work.accounts.managers_above(agency.path, SUSPEND_ACCOUNTS):
        if manager.account_id not in {account.id, work.actor.account_id}:
            values = {"agency": agency.full_name, "account_id": str(account.id)}
            work.notices.send(ACCOUNT_SUSPENDED, manager.mailbox, manager.language, values)
