"""One target's work, in a thread of its own with connections of its own: claim, converge, say what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.sync.model import Claimed, Code, ErrorClass
from hufu_sync.backoff import pause
from hufu_sync.errors import Conflict, Misconfigured, TargetError, Transient, Unreachable
from hufu_sync.health import Heart, Metrics
from hufu_sync.reading import LeaseLostError, NotReadyError

log = structlog.get_logger()

# A worker that nobody wakes (no relay, no Redis) still looks by itself this often.
LOOK_ANYWAY = 10.0
# A row whose agency was thought done but stands nowhere; it cannot happen twice in a row unless something is wrong.
ODD = timedelta(seconds=60)


class RowWork(Protocol):
    def converge(self, claimed: Claimed) -> None:
        """Bring the row's object to what is wanted and finish the row.

        Raises TargetError, LeaseLostError, NotReadyError.
        """


class Probe(Protocol):
    def probe(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How long a row is held, and how often a target that is away or refuses us is asked again."""

    lease: timedelta = timedelta(seconds=30)
    probe: timedelta = timedelta(seconds=2)
    paused_probe: timedelta = timedelta(seconds=30)


@dataclass(slots=True)
class Drain:
    """`on_done` is told after each finished row: what waited for it may be due in another target."""

    services: SqlServices
    target: Target
    work: RowWork
    probe: Probe
    rhythm: Rhythm
    dice: Callable[[], float]
    on_done: Callable[[], None]
    on_collision: Callable[[OutboxKey], None]
    heart: Heart
    metrics: Metrics
    _wake: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _probe_at: float | None = None
    _probe_every: timedelta = timedelta(0)

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Until it is stopped. Survives everything but its process's end."""
        structlog.contextvars.bind_contextvars(target=self.target.value)
        while not self._stop.is_set():
            self.heart.beat(self.target.value)
            self._wake.clear()
            try:
                self.drain()
                patience = LOOK_ANYWAY if self._probe_at is None else max(0.05, self._probe_at - monotonic())
            except SQLAlchemyError as error:
                # The database is away: the row's lease ends by itself.
                log.warning("database_failed", error=type(getattr(error, "orig", None) or error).__name__)
                self.metrics.failures.labels(self.target.value).inc()
                self._stop.wait(1.0)
                patience = 0.0
            self._wake.wait(patience)

    def drain(self) -> None:
        """Work until nothing is due, or the target turns out to be away."""
        while not self._stop.is_set() and self._is_there():
            self.heart.beat(self.target.value)
            with self.services.begin(SYSTEM) as work:
                claimed = work.queue.claim(self.target, self.services.ids.new(), self.rhythm.lease)
            if claimed is None:
                return
            self._work_on(claimed)

    def _is_there(self) -> bool:
        if self._probe_at is None:
            return True
        if monotonic() < self._probe_at:
            return False
        try:
            self.probe.probe()
        except TargetError as error:
            self._gone_away(error)
            return False
        with self.services.begin(SYSTEM) as work:
            work.sync_records.seen_well(self.target)
            count = work.queue.retry_failed(self.target)
        self._probe_at = None
        self.metrics.up.labels(self.target.value).set(1)
        log.info("target_is_back", due=count)
        return True

    def _gone_away(self, error: TargetError) -> None:
        misconfigured = isinstance(error, Misconfigured)
        self._probe_every = self.rhythm.paused_probe if misconfigured else self.rhythm.probe
        if self._probe_at is None:
            log.warning("target_is_away", code=error.code.value, detail=error.detail)
        self._probe_at = monotonic() + self._probe_every.total_seconds()
        self.metrics.up.labels(self.target.value).set(0)
        with self.services.begin(SYSTEM) as work:
            work.sync_records.seen_failing(self.target, error.error_class, error.code.value)

    def _work_on(self, claimed: Claimed) -> None:
        key = claimed.key
        started = monotonic()
        about = log.bind(kind=key.kind.value, id=key.object_id)
        try:
            self.work.converge(claimed)
        except LeaseLostError:
            about.warning("lease_lost")
            self._count("lease_lost")
        except NotReadyError as waiting:
            self._let_wait(claimed, waiting.key)
            self._count("waiting")
        except TargetError as error:
            about.warning("failed", error_class=error.error_class.value, code=error.code.value, detail=error.detail)
            self._failed(claimed, error)
        except SQLAlchemyError:
            raise
        except Exception:  # noqa: BLE001 - one odd row must not stop the others
            about.exception("failed_unexpectedly")
            self._failed(claimed, Transient(Code.UNEXPECTED))
        else:
            self._done(claimed, started)

    def _done(self, claimed: Claimed, started: float) -> None:
        with self.services.begin(SYSTEM) as work:
            work.sync_records.seen_well(self.target)
            waited = (work.now - claimed.wanted_at).total_seconds()
        self.metrics.up.labels(self.target.value).set(1)
        self.metrics.seconds.labels(self.target.value).observe(monotonic() - started)
        self.metrics.waited.labels(self.target.value).observe(waited)
        self._count("done")
        log.info(
            "done",
            kind=claimed.key.kind.value,
            id=claimed.key.object_id,
            milliseconds=round((monotonic() - started) * 1000),
        )
        self.on_done()

    def _let_wait(self, claimed: Claimed, key: OutboxKey) -> None:
        with self.services.begin(SYSTEM) as work:
            if work.queue.is_pending(key) is False:
                work.outbox.want(key)
                work.queue.let_wait(claimed, work.now + ODD)
            else:
                work.outbox.ensure(key)
                work.queue.let_wait(claimed, work.now)

    def _failed(self, claimed: Claimed, error: TargetError) -> None:
        away = isinstance(error, (Unreachable, Misconfigured))
        if away:
            self._gone_away(error)
        with self.services.begin(SYSTEM) as work:
            next_at = work.now + (self._probe_every if away else pause(claimed.attempts, self.dice()))
            if away or error.error_class is ErrorClass.TRANSIENT:
                work.queue.put_back(
                    claimed,
                    error_class=error.error_class,
                    error=error.code.value,
                    next_at=next_at,
                    counts=not away,
                )
            else:
                work.queue.park(claimed, error_class=error.error_class, error=error.code.value)
        self._count(error.error_class.value)
        if isinstance(error, Conflict):
            self.on_collision(claimed.key)

    def _count(self, outcome: str) -> None:
        self.metrics.rows.labels(self.target.value, outcome).inc()
