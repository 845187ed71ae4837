"""Everybody compared: every night, and whenever somebody asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.clock import TAIPEI
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Run, RunCause, RunKind
from hufu_sync.bootstrap import build_convergers
from hufu_sync.comparison import Comparison, enqueue_comparison
from hufu_sync.feed import Feed
from hufu_sync.scheduler.feed import feed_of
from hufu_sync.scheduler.group import REQUESTS, Group, Task

log = structlog.get_logger()

NIGHT_HOUR = 3
BATCH = 200


def tasks(group: Group) -> Sequence[Task]:
    """A task a target: one that is away holds up no other."""
    targets = group.build()
    nightly = {Target.KEYCLOAK: Nightly(group.services, feed_of(group, targets))}
    return [
        Task(
            f"comparison-{target.value}",
            REQUESTS,
            Comparisons(Comparison(converger), group.alive, group.stopping.is_set, nightly.get(target)).serve,
        )
        for target, converger in build_convergers(group.parts, targets).items()
    ]


def last_night(now: datetime) -> datetime:
    """The newest three in the morning, Taipei time."""
    local = now.astimezone(TAIPEI)
    night = local.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return night if night <= local else night - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Nightly:
    """What goes with the nightly comparison: the feed of two days again, and every open activation."""

    services: SqlServices
    feed: Feed

    def run(self) -> None:
        self.feed.read_again(self.services.clock.now() - timedelta(days=2))
        after: AccountId | None = None
        while True:
            with self.services.begin(SYSTEM) as work:
                waiting = work.bindings.not_activated(Target.KEYCLOAK, after, BATCH)
            for account_id in waiting:
                self.feed.try_activation(account_id)
                self.feed.alive()
            if len(waiting) < BATCH:
                return
            after = waiting[-1]


@dataclass(frozen=True, slots=True)
class Comparisons:
    """Of one target: those somebody asked for, and one a night. What was done tonight is told by the stored runs, so
    neither a restart nor a second clock does it again.
    """

    comparison: Comparison
    alive: Callable[[], None]
    stopping: Callable[[], bool]
    nightly: Nightly | None = None

    def serve(self) -> None:
        """Raises TargetError: what was begun is begun again when its time is over."""
        services, target = self.comparison.services, self.comparison.config.target
        with services.begin(SYSTEM) as work:
            enqueue_comparison(work, services, target, RunCause.NIGHTLY, unless_since=last_night(work.now))
            asked = [run for run in work.runs.open_requests(RunKind.COMPARISON) if run.target is target]
        for run in asked:
            self._run(run)

    def _run(self, run: Run) -> None:
        if self.nightly is not None and run.cause == RunCause.NIGHTLY:
            self.nightly.run()
        started = monotonic()
        tally = self.comparison.run(run.id, alive=self.alive, stopping=self.stopping)
        if tally is None:
            return
        log.info(
            "compared",
            target=self.comparison.config.target.value,
            cause=run.cause,
            objects=tally.objects,
            differing=tally.differing,
            failed=tally.failed,
            seconds=round(monotonic() - started, 1),
        )
