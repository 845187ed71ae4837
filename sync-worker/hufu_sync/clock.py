"""`hufu-clock`: what happens because time passes. Everything here may run twice or late without harm."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from types import FrameType

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.clock import TAIPEI
from hufu_registry.kernel.errors import HufuError
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.people.use_cases import forget_old_codes
from hufu_registry.sessions.use_cases import forget_old
from hufu_registry.sync.use_cases import disable_account
from hufu_sync import logs
from hufu_sync.bootstrap import Targets, build_parts, build_targets
from hufu_sync.errors import TargetError
from hufu_sync.feed import Feed
from hufu_sync.health import Heart, Metrics, serving
from hufu_sync.settings import SyncSettings

log = structlog.get_logger()

HOUSEKEEPING = 600.0
NIGHT_LOOK = 300.0
NIGHT_HOUR = 3
BATCH = 200
NOT_ACTIVATED_IN_TIME = "not_activated_in_time"


@dataclass(slots=True)
class Task:
    """Run `act` every `every` seconds; a failure is logged and the next round tries again."""

    name: str
    every: float
    act: Callable[[], object]
    next_at: float = 0.0


def disable_not_activated(services: SqlServices) -> int:
    """Accounts approved longer ago than the deadline that nobody activated."""
    count = 0
    while True:
        before = count
        with services.begin(SYSTEM) as work:
            late = work.accounts.unactivated_since(work.now - services.policy.activation_deadline, BATCH)
        for account_id in late:
            try:
                disable_account(account_id, services, SYSTEM, reason=NOT_ACTIVATED_IN_TIME)
                count += 1
            except HufuError as error:
                # Somebody activated or disabled it in between.
                log.info("not_disabled", id=str(account_id), code=error.code)
        if len(late) < BATCH or count == before:
            return count


@dataclass(slots=True)
class Nightly:
    """Once a day after three in the morning, Taipei time: the feed of two days again, and every open activation."""

    services: SqlServices
    feed: Feed
    done_on: datetime | None = None

    def look(self) -> None:
        now = self.services.clock.now()
        local = now.astimezone(TAIPEI)
        if local.hour < NIGHT_HOUR or (
            self.done_on is not None and self.done_on.astimezone(TAIPEI).date() == local.date()
        ):
            return
        self.run(now)
        self.done_on = now

    def run(self, now: datetime) -> None:
        self.feed.read_again(now - timedelta(days=2))
        after: AccountId | None = None
        while True:
            with self.services.begin(SYSTEM) as work:
                waiting = work.sync_records.not_activated_and_bound(Target.KEYCLOAK, after, BATCH)
            for account_id in waiting:
                self._check(account_id)
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


def tasks(settings: SyncSettings, services: SqlServices, targets: Targets, metrics: Metrics) -> Sequence[Task]:
    feed = Feed(services, targets.sign_in, targets.directory, metrics)
    return [
        Task("feed", settings.feed_seconds, feed.poll),
        Task("nightly", NIGHT_LOOK, Nightly(services, feed).look),
        Task("deadline", HOUSEKEEPING, lambda: disable_not_activated(services)),
        Task("sessions", HOUSEKEEPING, lambda: forget_old(services, SYSTEM)),
        Task("codes", HOUSEKEEPING, lambda: forget_old_codes(services, SYSTEM)),
    ]


def tick(todo: Sequence[Task], heart: Heart, metrics: Metrics) -> float:
    """Run what is due; how many seconds until the next is."""
    for task in todo:
        if monotonic() < task.next_at:
            continue
        try:
            task.act()
        except (TargetError, SQLAlchemyError, HufuError) as error:
            code = error.code if isinstance(error, TargetError) else type(error).__name__
            log.warning("task_failed", task=task.name, code=str(code))
            metrics.failures.labels(task.name).inc()
        except Exception:
            log.exception("task_failed_unexpectedly", task=task.name)
            metrics.failures.labels(task.name).inc()
        task.next_at = monotonic() + task.every
        heart.beat("clock")
    return max(0.05, min(task.next_at for task in todo) - monotonic())


def run(settings: SyncSettings, targets: Targets) -> None:
    parts = build_parts(settings)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    todo = tasks(settings, parts.services, targets, parts.metrics)
    with serving(settings.health_host, settings.health_port, parts.heart, parts.metrics):
        log.info("clock_started")
        while not stopping.is_set():
            parts.heart.beat("clock")
            stopping.wait(tick(todo, parts.heart, parts.metrics))
    log.info("clock_stopped")


def main() -> None:
    logs.set_up("clock")
    settings = SyncSettings()
    run(settings, build_targets(settings))
