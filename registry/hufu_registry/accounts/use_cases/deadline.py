"""What time alone does to an account."""

from __future__ import annotations

from contextlib import suppress

from hufu_registry.accounts.use_cases.lifecycle import disable_account
from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.errors import HufuError
from hufu_registry.kernel.work import Services

BATCH = 200
NOT_ACTIVATED_IN_TIME = "not_activated_in_time"


def disable_not_activated(services: Services[Work]) -> int:
    """Accounts approved longer ago than the deadline that nobody activated; how many there were."""
    count = 0
    while True:
        before = count
        with services.begin(SYSTEM) as work:
            late = work.accounts.unactivated_since(work.now - work.policy.activation_deadline, BATCH)
        for account_id in late:
            # Somebody may have activated or disabled it in between.
            with suppress(HufuError):
                disable_account(account_id, services, SYSTEM, reason=NOT_ACTIVATED_IN_TIME)
                count += 1
        if len(late) < BATCH or count == before:
            return count
