"""`hufu-worker`: long-lived, with threads and connections for each target. RQ only wakes the threads."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType

import redis
import structlog
from rq import Queue, SimpleWorker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer

from hufu_registry.kernel.outbox import Target
from hufu_sync import jobs, logs
from hufu_sync.bootstrap import Targets, build_lanes, build_parts, build_queue, build_redis, build_targets
from hufu_sync.health import serving
from hufu_sync.lane import Lane
from hufu_sync.settings import SyncSettings

log = structlog.get_logger()

RETRY_REDIS = 1.0


class WakingWorker(SimpleWorker):
    """Runs jobs in its own process, with `jobs.wake` set to ours."""

    max_connection_wait_time = 2.0

    def __init__(self, queue: Queue, wake: Callable[[str], None]) -> None:
        super().__init__([queue], connection=queue.connection, serializer=JSONSerializer)
        self._wake = wake
        self.stopping = False

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        token = jobs.wake.set(self._wake)
        try:
            return bool(super().perform_job(job, queue, execution))
        finally:
            jobs.wake.reset(token)

    def handle_warm_shutdown_request(self) -> None:
        self.stopping = True


def run(settings: SyncSettings, build: Callable[[], Targets]) -> None:
    """Until SIGTERM or SIGINT; what is in hand is finished first. `build` gives each thread its own targets."""
    parts = build_parts(settings)
    lanes = build_lanes(parts, build)
    running = [lane for of_target in lanes.values() for lane in of_target]
    threads = [threading.Thread(target=lane.run, name=lane.name, daemon=True) for lane in running]
    with serving(settings.health_host, settings.health_port, parts.heart, parts.metrics):
        for thread in threads:
            thread.start()
        log.info("worker_started", lanes=[lane.name for lane in running])
        try:
            listen(settings, lanes)
        finally:
            for lane in running:
                lane.stop()
            for thread in threads:
                thread.join(settings.lease_seconds)
    log.info("worker_stopped")


def listen(settings: SyncSettings, lanes: Mapping[Target, Sequence[Lane]]) -> None:
    """Wait for jobs, for as long as it takes Redis to be there."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    def wake(target: str) -> None:
        for lane in lanes[Target(target)]:
            lane.wake()

    while not stopping.is_set():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        worker = None
        try:
            worker = WakingWorker(build_queue(build_redis(settings)), wake)
            worker.work()
        except (redis.RedisError, OSError) as error:
            log.warning("redis_failed", error=type(error).__name__)
            stopping.wait(RETRY_REDIS)
        if worker is not None and worker.stopping:
            return


def main() -> None:
    logs.set_up("worker")
    settings = SyncSettings()
    run(settings, partial(build_targets, settings))
