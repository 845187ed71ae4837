"""Mails about accounts: to those who answer for them, and how many a person gets."""

from __future__ import annotations

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.notices import ACCOUNT_SUSPENDED
from hufu_registry.accounts.permissions import SUSPEND_ACCOUNTS
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.errors import RateLimited
from hufu_registry.kernel.ids import AccountId
from hufu_registry.people.use_cases import A_DAY, until
from hufu_registry.propagation.model import ActionKind


def tell_managers_above(work: Work, account: Account) -> None:
    """That it was suspended in an emergency, without naming its person; whoever did it knows."""
    agency = work.agencies.get(account.agency_id)
    for manager in work.accounts.managers_above(agency.path, SUSPEND_ACCOUNTS):
        if manager.account_id not in {account.id, work.actor.account_id}:
            values = {"agency": agency.full_name, "account_id": str(account.id)}
            work.notices.send(
                ACCOUNT_SUSPENDED, manager.mailbox, manager.language, values, account_id=manager.account_id
            )


def limit_link_mails(work: Work, kind: ActionKind, account_id: AccountId) -> None:
    """Nobody's mailbox is filled with links of a kind, whoever asks for them.

    Raises RateLimited of the kind's name with "_wait" (seconds) or "s_used_up" (seconds, and until when).
    """
    policy = work.policy
    requested = work.actions.requested_since(kind, account_id, work.now - A_DAY)
    if requested and work.now < (again := requested[-1] + policy.activation_mail_resend_after):
        raise RateLimited(f"{kind.value}_wait", seconds=until(again, work.now))
    if len(requested) >= policy.activation_mails_per_day:
        again = requested[-policy.activation_mails_per_day] + A_DAY
        raise RateLimited(f"{kind.value}s_used_up", seconds=until(again, work.now), at=again)
