"""What time alone does to an account."""

from __future__ import annotations

from contextlib import suppress

from hufu_registry.accounts.model import AccountState, DisableCause
from hufu_registry.accounts.use_cases.lifecycle import disable_locked, lock_account_and_grants
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import HufuError
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.work import Services

BATCH = 200


def disable_not_activated(services: Services[Work], actor: Actor) -> int:
    """Accounts approved or restored longer ago than the deadline that nobody activated; how many there were."""
    count = 0
    while True:
        before = count
        with services.begin(actor) as work:
            late = work.accounts.unactivated_since(work.now - work.policy.activation_deadline, BATCH)
        for account_id in late:
            with suppress(HufuError):
                count += _disable_if_late(account_id, services, actor)
        if len(late) < BATCH or count == before:
            return count


def _disable_if_late(account_id: AccountId, services: Services[Work], actor: Actor) -> bool:
    """False where somebody activated, disabled or restored it since it was looked up."""
    with services.begin(actor) as work:
        account, grants = lock_account_and_grants(work, account_id)
        late = account.to_activate_since < work.now - work.policy.activation_deadline
        if account.state is not AccountState.NOT_ACTIVATED or not late:
            return False
        disable_locked(work, services, account, grants, cause=DisableCause.NOT_ACTIVATED_IN_TIME)
    return True
