"""`hufu-scheduler`: what happens because time passes. Everything here may run twice or late without harm.

Its tasks lie on groups: a thread each, with target connections of its own, so that a comparison of everybody holds
up nobody's sign-in.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from types import FrameType

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import FEATURES
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.clock import TAIPEI
from hufu_registry.kernel.errors import HufuError
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Run, RunCause, RunKind
from hufu_sync import logs
from hufu_sync.bootstrap import Parts, Targets, build_convergers, build_parts, build_targets
from hufu_sync.changes import Watch
from hufu_sync.comparison import Comparison, StoppedError, enqueue_comparison
from hufu_sync.errors import TargetError
from hufu_sync.feed import Feed
from hufu_sync.health import Heart, Metrics, serving
from hufu_sync.planning import build_plan_lanes, serve_requests
from hufu_sync.settings import SyncSettings

log = structlog.get_logger()

REQUESTS = 2.0
NIGHT_HOUR = 3
BATCH = 200


@dataclass(slots=True)
class Task:
    """Run `act` every `every` seconds; a failure is logged and the next round tries again."""

    name: str
    every: float
    act: Callable[[], object]
    next_at: float = 0.0


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
                self._check(account_id)
                self.feed.alive()
            if len(waiting) < BATCH:
                return
            after = waiting[-1]

    def _check(self, account_id: AccountId) -> None:
        try:
            self.feed.check_activation(account_id)
        except TargetError as error:
            if error.error_class.value in {"transient", "misconfigured"}:
                raise
            log.warning("not_checked", id=str(account_id), code=error.code.value)


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


@dataclass(frozen=True, slots=True)
class TaskGroups:
    """Tasks by group; each group calls `build` once for its own connections."""

    parts: Parts
    build: Callable[[], Targets]
    stopping: threading.Event

    def tasks(self) -> Mapping[str, Sequence[Task]]:
        return {
            "feed": self._feed(),
            "changes": self._changes(),
            "comparisons": self._comparisons(),
            "plans": self._plans(),
            "housekeeping": self._housekeeping(),
        }

    def _feed(self) -> Sequence[Task]:
        return [Task("feed", self.parts.settings.feed_seconds, self._feed_of(self.build(), "feed").poll)]

    def _feed_of(self, targets: Targets, group: str) -> Feed:
        parts = self.parts
        return Feed(parts.services, targets.sign_in, targets.directory, parts.metrics, self._alive(group))

    def _changes(self) -> Sequence[Task]:
        targets = self.build()
        if targets.directory is None:
            return ()
        watch = Watch(Comparison(build_convergers(self.parts, targets)[Target.AD]), targets.directory)
        return [Task("changes", self.parts.settings.changes_seconds, partial(watch.poll, self._alive("changes")))]

    def _comparisons(self) -> Sequence[Task]:
        targets = self.build()
        nightly = {Target.KEYCLOAK: Nightly(self.parts.services, self._feed_of(targets, "comparisons"))}
        return [
            Task(
                f"comparison-{target.value}",
                REQUESTS,
                Comparisons(
                    Comparison(converger), self._alive("comparisons"), self.stopping.is_set, nightly.get(target)
                ).serve,
            )
            for target, converger in build_convergers(self.parts, targets).items()
        ]

    def _plans(self) -> Sequence[Task]:
        lanes = build_plan_lanes(self.parts, self.build())
        return [Task("plans", REQUESTS, lambda: serve_requests(self.parts.services, lanes, self._alive("plans")))]

    def _housekeeping(self) -> Sequence[Task]:
        services = self.parts.services
        return [
            Task(task.name, task.every.total_seconds(), partial(task.run, services))
            for feature in FEATURES
            for task in feature.tasks
        ]

    def _alive(self, group: str) -> Callable[[], None]:
        return partial(self.parts.heart.beat, group)


def tick(group: str, todo: Sequence[Task], heart: Heart, metrics: Metrics) -> float:
    """Run what is due; how many seconds until the next is."""
    for task in todo:
        if monotonic() < task.next_at:
            continue
        try:
            task.act()
        except StoppedError:
            log.info("task_stopped", task=task.name)
        except (TargetError, SQLAlchemyError, HufuError) as error:
            if isinstance(error, TargetError):
                log.warning("task_failed", task=task.name, code=error.code.value, detail=error.detail)
            else:
                log.warning("task_failed", task=task.name, code=type(error).__name__)
            metrics.failures.labels(task.name).inc()
        except Exception:
            log.exception("task_failed_unexpectedly", task=task.name)
            metrics.failures.labels(task.name).inc()
        task.next_at = monotonic() + task.every
        heart.beat(group)
    return max(0.05, min(task.next_at for task in todo) - monotonic())


def follow(group: str, todo: Sequence[Task], parts: Parts, stopping: threading.Event) -> None:
    while not stopping.is_set():
        parts.heart.beat(group)
        stopping.wait(tick(group, todo, parts.heart, parts.metrics))


def run(settings: SyncSettings, build: Callable[[], Targets]) -> None:
    parts = build_parts(settings)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    groups = {name: todo for name, todo in TaskGroups(parts, build, stopping).tasks().items() if todo}
    threads = [
        threading.Thread(target=follow, name=name, args=(name, todo, parts, stopping), daemon=True)
        for name, todo in groups.items()
    ]
    with serving(settings.health_host, settings.health_port, parts.heart, parts.metrics):
        for thread in threads:
            thread.start()
        log.info("scheduler_started")
        stopping.wait()
        for thread in threads:
            thread.join(settings.lease_seconds)
    log.info("scheduler_stopped")


def main() -> None:
    logs.set_up("scheduler")
    settings = SyncSettings()
    run(settings, partial(build_targets, settings))
