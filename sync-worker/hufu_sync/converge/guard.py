"""Before anything is done: nobody loses what no person has seen, nor do too many lose something within an hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model.plan import Step, is_destructive
from hufu_registry.sync.model.plan_file import Forecast
from hufu_sync.converge.note import history_of
from hufu_sync.converge.row import Row
from hufu_sync.errors import Limited
from hufu_sync.outcomes import NotForetoldError

HOUR = timedelta(hours=1)
# A row that came late for this hour's destructive steps looks again at the earliest then.
LIMITED_AT_LEAST = timedelta(minutes=1)


def guard(services: SqlServices, target: Target, rows: Sequence[Row], forecast: Forecast | None) -> None:
    """Give an outcome to the rows that may not go on."""
    losing = [(row, steps) for row in rows if row.outcome is None and (steps := _losses(row, forecast))]
    if losing:
        _count(services, target, losing)


def _losses(row: Row, forecast: Forecast | None) -> Sequence[Step]:
    """The steps that have to be counted. Whoever is disabled for security is not made to wait by any limit."""
    if row.desired.for_security:
        return ()
    steps = [step for step in row.planned.steps if is_destructive(step)]
    if forecast is not None and not all(forecast.allows(row.key, step) for step in steps):
        row.outcome = NotForetoldError()
        return ()
    return steps


def _count(services: SqlServices, target: Target, losing: Sequence[tuple[Row, Sequence[Step]]]) -> None:
    """Counted before it happens: two workers at once, or one that dies, must not take away more than the limit."""
    with services.begin(SYSTEM) as work:
        limit = work.policy.destructive_steps_per_hour
        history, since = work.history, work.now - HOUR
        # Two lanes that both count one below the limit would both go on.
        history.lock_destructive(target)
        counted = history.destructive_since(target, since)
        for row, steps in losing:
            # One object's steps are done together or not at all, though they alone be more than the limit.
            if counted and counted + len(steps) > limit:
                # When enough of the hour's steps are older than an hour for this row, which need not be all of them.
                frees = history.oldest_destructive(target, since, max(0, counted + len(steps) - limit - 1))
                row.outcome = Limited(max(work.now + LIMITED_AT_LEAST, (frees or work.now) + HOUR))
                continue
            row.noted = history.record(history_of(row.key, steps, destructive=True))
            counted += len(steps)
