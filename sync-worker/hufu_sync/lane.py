"""One lane of a target: a thread with connections of its own that claims, converges, and says what came of it.

Several lanes share what they know of their target: whether it is there, and when it is asked again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Protocol

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.sync.model import Claimed, Code
from hufu_sync.backoff import pause
from hufu_sync.errors import Conflict, Limited, Misconfigured, NoRightsError, TargetError, Transient, Unreachable
from hufu_sync.health import Heart, Metrics
from hufu_sync.outcomes import LeaseLostError, NotForetoldError, NotReachedError, NotReadyError

log = structlog.get_logger()

# A worker that nobody wakes (no relay, no Redis) still looks by itself this often.
LOOK_ANYWAY = 10.0
# What waits for something the queue does not know of looks again by itself: while that is under way, and else.
UNDER_WAY = timedelta(seconds=5)
NOT_UNDER_WAY = timedelta(seconds=60)
# What the queue knows of was thought done, and is now wanted again: not at once, lest it goes round in circles.
ODD = timedelta(seconds=1)
SEEN_WELL_EVERY = 1.0
IN_VAIN = 4
LONGEST_PAUSE = 1.0


class RowWork(Protocol):
    def converge(self, claimed: Sequence[Claimed]) -> Mapping[OutboxKey, Exception | None]:
        """Bring the rows' objects to what is wanted, and finish them; why those failed that did."""


class Probe(Protocol):
    def probe(self) -> None: ...


@dataclass(frozen=True, slots=True)
class LaneTiming:
    """How long rows are held, how many at once, and how often a target that is away or refuses us is asked again."""

    lease: timedelta = timedelta(seconds=30)
    probe: timedelta = timedelta(seconds=2)
    paused_probe: timedelta = timedelta(seconds=30)
    batch: int = 8


@dataclass(slots=True)
class ClaimThrottle:
    """The looks of several lanes for work, one at a time. To find out that ten thousand rows have to wait takes long,
    so a look in vain is followed by a pause that is as long in proportion.
    """

    _lock: threading.Lock = field(default_factory=threading.Lock)
    _again_at: float = float("-inf")

    def look(self, claim: Callable[[], Sequence[Claimed]], stop: threading.Event) -> Sequence[Claimed]:
        with self._lock:
            # Under the lock: the others would ask the same question meanwhile and get the same answer.
            stop.wait(min(max(0.0, self._again_at - monotonic()), LONGEST_PAUSE))
            started = monotonic()
            claimed = claim()
            if not claimed:
                self._again_at = monotonic() + IN_VAIN * (monotonic() - started)
            return claimed


@dataclass(slots=True)
class TargetHealth:
    """Whether a target is there, as its lanes found out. `on_return` is told when it is back."""

    services: SqlServices
    target: Target
    timing: LaneTiming
    metrics: Metrics
    on_return: Callable[[], None] = lambda: None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _probe_at: float | None = None
    _every: timedelta = timedelta(0)
    _seen_well_at: float = float("-inf")

    def is_there(self, probe: Probe) -> bool:
        """Asks it, when it was away and it is time to; one lane asks for all."""
        if self._probe_at is None:
            return True
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._probe(probe)
        finally:
            self._lock.release()

    def _probe(self, probe: Probe) -> bool:
        # Another lane may have found it back between the caller's look and the lock.
        if self._probe_at is None:
            return True
        if monotonic() < self._probe_at or self._is_paused():
            return False
        try:
            probe.probe()
        except TargetError as error:
            self.gone(error)
            return False
        with self.services.begin(SYSTEM) as work:
            work.target_health.seen_well(self.target)
            count = work.queue.retry_failed(self.target)
        self._probe_at = None
        self.metrics.up.labels(self.target.value).set(1)
        log.info("target_is_back", due=count)
        self.on_return()
        return True

    def _is_paused(self) -> bool:
        with self.services.begin(SYSTEM) as work:
            paused = work.target_health.is_paused(self.target)
        if paused:
            self._probe_at = monotonic() + self._every.total_seconds()
        return paused

    def gone(self, error: TargetError) -> timedelta:
        """It does not answer, or refuses us; when it is asked again."""
        self._every = self.timing.paused_probe if isinstance(error, Misconfigured) else self.timing.probe
        if self._probe_at is None:
            log.warning("target_is_away", code=error.code.value, detail=error.detail)
        self._probe_at = monotonic() + self._every.total_seconds()
        self._seen_well_at = float("-inf")
        self.metrics.up.labels(self.target.value).set(0)
        with self.services.begin(SYSTEM) as work:
            work.target_health.seen_failing(self.target, error.error_class, error.code.value)
        return self._every

    def well(self) -> None:
        if monotonic() - self._seen_well_at < SEEN_WELL_EVERY:
            return
        self._seen_well_at = monotonic()
        with self.services.begin(SYSTEM) as work:
            work.target_health.seen_well(self.target)
        self.metrics.up.labels(self.target.value).set(1)

    def patience(self) -> float:
        """How long there is nothing to do for who found nothing to do."""
        probe_at = self._probe_at
        return LOOK_ANYWAY if probe_at is None else max(0.05, probe_at - monotonic())


@dataclass(slots=True)
class Lane:
    """`bulk` is false for a lane that people's single acts have to themselves, None for one that takes everything.

    `on_done` is told after finished rows: what waited for them may be due in another target.
    """

    name: str
    services: SqlServices
    target: Target
    work: RowWork
    probe: Probe
    health: TargetHealth
    throttle: ClaimThrottle
    timing: LaneTiming
    dice: Callable[[], float]
    on_done: Callable[[], None]
    on_collision: Callable[[OutboxKey], None]
    heart: Heart
    metrics: Metrics
    bulk: bool | None = None
    _wake: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    def wake(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        """Until it is stopped. Survives everything but its process's end."""
        structlog.contextvars.bind_contextvars(target=self.target.value, lane=self.name)
        while not self._stop.is_set():
            self.heart.beat(self.name)
            # Before the work, not after: who wakes it meanwhile has something that this look may not have seen.
            self._wake.clear()
            try:
                self.drain()
                patience = self.health.patience()
            except SQLAlchemyError as error:
                # The database is away: the rows' lease ends by itself.
                log.warning("database_failed", error=type(getattr(error, "orig", None) or error).__name__)
                self.metrics.failures.labels(self.target.value).inc()
                self._stop.wait(1.0)
                patience = 0.0
            self._wake.wait(patience)

    def drain(self) -> int:
        """Work until nothing is due, or the target turns out to be away; how many rows were worked on."""
        worked_on = 0
        while not self._stop.is_set() and self.health.is_there(self.probe):
            self.heart.beat(self.name)
            claimed = self.throttle.look(self._claim, self._stop)
            if not claimed:
                break
            self.work_on(claimed)
            worked_on += len(claimed)
        return worked_on

    def _claim(self) -> Sequence[Claimed]:
        lease, timing = self.services.ids.new(), self.timing
        with self.services.begin(SYSTEM) as work:
            return work.queue.claim(self.target, lease, timing.lease, limit=timing.batch, bulk=self.bulk)

    def work_on(self, claimed: Sequence[Claimed]) -> None:
        started = monotonic()
        outcomes: Mapping[OutboxKey, Exception | None]
        try:
            outcomes = self.work.converge(claimed)
        except SQLAlchemyError:
            # Nothing can be put back without the database; `run` waits for it, and the leases end by themselves.
            raise
        except Exception as error:
            log.exception("failed_unexpectedly")
            outcomes = {row.key: error for row in claimed}
        done = [row for row in claimed if outcomes[row.key] is None]
        failed = {row: outcome for row in claimed if (outcome := outcomes[row.key]) is not None}
        if failed:
            self._put_back(failed)
        if done:
            self._done(done, started)

    def _done(self, done: Sequence[Claimed], started: float) -> None:
        self.health.well()
        seconds, now = (monotonic() - started) / len(done), self.services.clock.now()
        for row in done:
            self.metrics.seconds.labels(self.target.value).observe(seconds)
            self.metrics.waited.labels(self.target.value).observe((now - row.requested_at).total_seconds())
            self._count("done")
            log.info("done", kind=row.key.kind.value, id=row.key.object_id, milliseconds=round(seconds * 1000))
        self.on_done()

    def _put_back(self, failed: Mapping[Claimed, Exception]) -> None:
        failed = self._explained(failed)
        away = next((error for error in failed.values() if isinstance(error, (Unreachable, Misconfigured))), None)
        again = timedelta(0) if away is None else self.health.gone(away)
        with self.services.begin(SYSTEM) as work:
            # In the order of all who write several rows of the queue, so that no two wait for each other.
            for row in sorted(failed, key=lambda row: row.key):
                self._settle(work, row, failed[row], again)
        for row, error in failed.items():
            if isinstance(error, Conflict):
                self.on_collision(row.key)

    def _explained(self, failed: Mapping[Claimed, Exception]) -> Mapping[Claimed, Exception]:
        """No rights on one object is that object's trouble; none on our own probe is the whole target's."""
        denied = [row for row, error in failed.items() if isinstance(error, NoRightsError)]
        if not denied:
            return failed
        try:
            self.probe.probe()
        except (Unreachable, Misconfigured) as error:
            return {**failed, **dict.fromkeys(denied, error)}
        except TargetError as error:
            log.info("probe_failed", code=error.code.value)
        return failed

    def _settle(self, work: SqlWork, row: Claimed, error: Exception, again: timedelta) -> None:
        about = log.bind(kind=row.key.kind.value, id=row.key.object_id)
        if isinstance(error, LeaseLostError):
            # Whoever holds it now says what comes of it.
            about.warning("lease_lost")
            self._count("lease_lost")
        elif isinstance(error, NotReachedError | NotForetoldError):
            work.queue.let_wait(row, work.now)
        elif isinstance(error, NotReadyError):
            self._let_wait(work, row, error)
            self._count("waiting")
        else:
            # A fault of ours is tried again, ever more rarely: mended, it goes on without anybody's hand.
            failure = error if isinstance(error, TargetError) else Transient(Code.UNEXPECTED)
            about.warning(
                "failed", error_class=failure.error_class.value, code=failure.code.value, detail=failure.detail
            )
            self._failed(work, row, failure, again)
            self._count(failure.error_class.value)

    def _let_wait(self, work: SqlWork, row: Claimed, error: NotReadyError) -> None:
        pending = work.queue.is_pending(error.key)
        if not pending:
            work.outbox.enqueue(error.key)
        soon, late = (timedelta(0), ODD) if error.is_known else (UNDER_WAY, NOT_UNDER_WAY)
        work.queue.let_wait(row, work.now + (soon if pending else late))

    def _failed(self, work: SqlWork, row: Claimed, error: TargetError, again: timedelta) -> None:
        error_class, code = error.error_class, error.code.value
        if isinstance(error, (Unreachable, Misconfigured)):
            # Not counted: it is the target's trouble, and when that is back no row shall wait for tries it never had.
            work.queue.put_back(row, error_class=error_class, error=code, next_at=work.now + again, counts=False)
        elif isinstance(error, Limited):
            work.queue.put_back(row, error_class=error_class, error=code, next_at=error.until, counts=False)
        elif isinstance(error, Transient):
            next_at = work.now + pause(row.attempts, self.dice())
            work.queue.put_back(row, error_class=error_class, error=code, next_at=next_at)
        else:
            work.queue.park(row, error_class=error_class, error=code, fields=error.fields)

    def _count(self, outcome: str) -> None:
        self.metrics.rows.labels(self.target.value, outcome).inc()
