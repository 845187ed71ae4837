"""`hufu-relay`: looks for due rows, when a commit says so and every second, and puts a job on the queue."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from time import monotonic
from types import FrameType

import psycopg
import redis
import sqlalchemy as sa
import structlog
from rq import Queue

from hufu_registry.bootstrap import OUTBOX_CHANNEL
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.clock import Clock
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.store import due_targets, target_states
from hufu_sync import jobs, logs
from hufu_sync.bootstrap import Parts, build_parts, build_queue, build_redis
from hufu_sync.health import Metrics, serving
from hufu_sync.settings import SyncSettings

log = structlog.get_logger()

LOOK_EVERY = 1.0
COUNT_EVERY = 5.0
# More often than the minute it is for: no minute is left out.
SAMPLE_EVERY = 20.0
RETRY = 1.0
IN_VAIN = 4


def enqueue(queue: Queue, targets: Sequence[Target]) -> None:
    """One waiting job a target is enough: it looks for everything that is due."""
    if not targets:
        return
    waiting = set(queue.job_ids)
    for target in targets:
        name = jobs.job_id(target.value)
        if name not in waiting:
            queue.enqueue_call(jobs.drain, args=[target.value], job_id=name, result_ttl=0, failure_ttl=60, timeout=30)


def watch(connection: sa.Connection, clock: Clock, queue: Queue, parts: Parts, stopping: threading.Event) -> None:
    """Until it is stopped, or PostgreSQL or Redis fails."""
    connection.execute(sa.text(f"LISTEN {OUTBOX_CHANNEL}"))
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError("the relay needs psycopg")
    count_at = sample_at = monotonic()
    while not stopping.is_set():
        started = monotonic()
        enqueue(queue, due_targets(connection, clock.now()))
        took = monotonic() - started
        parts.heart.beat("relay")
        if monotonic() >= count_at:
            count(connection, parts.metrics)
            count_at = monotonic() + COUNT_EVERY
        if monotonic() >= sample_at:
            sample(parts)
            sample_at = monotonic() + SAMPLE_EVERY
        for _ in driver.notifies(timeout=LOOK_EVERY, stop_after=1):
            # Whatever is written at a time, most of ours is left to others.
            stopping.wait(min(IN_VAIN * took, LOOK_EVERY))


def sample(parts: Parts) -> None:
    """A row a minute for the picture of the queues; several relays write the same one."""
    with parts.services.begin(SYSTEM) as work:
        work.history.sample_queues()


def count(connection: sa.Connection, metrics: Metrics) -> None:
    for state in target_states(connection):
        for name, number in (("waiting", state.waiting), ("retrying", state.retrying), ("parked", state.parked)):
            metrics.queue.labels(state.target.value, name).set(number)


def run(settings: SyncSettings) -> None:
    parts = build_parts(settings)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    queue = build_queue(build_redis(settings))
    engine = parts.services.engine.execution_options(isolation_level="AUTOCOMMIT")
    with serving(settings.health_host, settings.health_port, parts.heart, parts.metrics):
        log.info("relay_started")
        while not stopping.is_set():
            parts.heart.beat("relay")
            try:
                with engine.connect() as connection:
                    watch(connection, parts.services.clock, queue, parts, stopping)
            except (redis.RedisError, sa.exc.SQLAlchemyError, psycopg.Error, OSError) as error:
                log.warning("lost", error=type(getattr(error, "orig", None) or error).__name__)
                parts.metrics.failures.labels("relay").inc()
                stopping.wait(RETRY)
    log.info("relay_stopped")


def main() -> None:
    logs.set_up("relay")
    run(SyncSettings())
