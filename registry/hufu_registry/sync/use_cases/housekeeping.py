"""What time alone brings about: deletions that are due, runs that are over, history that is old."""

from __future__ import annotations

from datetime import timedelta

from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.use_cases.ports import Work

BATCH = 200
HISTORY_KEPT = timedelta(days=400)
SAMPLES_KEPT = timedelta(days=2)


def enqueue_deleted(services: Services[Work], actor: Actor) -> int:
    """Accounts that were deleted long enough ago: the targets forget them now; how many there were."""
    count = 0
    while True:
        with services.begin(actor) as work:
            due = work.comparison.due_for_deletion(work.now - work.policy.deletion_wait, BATCH)
            for account_id in due:
                enqueue_account(work, services, work.accounts.get(account_id), bulk=True)
        count += len(due)
        if len(due) < BATCH:
            return count


def forget_history(services: Services[Work], actor: Actor) -> None:
    with services.begin(actor) as work:
        work.comparison.forget_old(history_before=work.now - HISTORY_KEPT, samples_before=work.now - SAMPLES_KEPT)


def settle_runs(services: Services[Work], actor: Actor) -> int:
    with services.begin(actor) as work:
        return work.runs.settle()
