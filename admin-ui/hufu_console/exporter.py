"""`hufu-exports`: writes the long exports, one after the other, away from whoever waits for a page."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from uuid import UUID

import redis
import structlog
from flask import Flask
from prometheus_client import CollectorRegistry
from rq import Queue, SimpleWorker
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError

from hufu_console.app import create_app
from hufu_console.bootstrap import build_services
from hufu_console.exports.queue import put, queue_of
from hufu_console.settings import ExportSettings
from hufu_console.web import logs
from hufu_console.web.context import registry
from hufu_registry.health import Heart, serving

log = structlog.get_logger("hufu_console")

LOOK_EVERY = 5.0
RETRY_REDIS = 1.0


class Metrics:
    """What Prometheus reads."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()


class ExportWorker(SimpleWorker):
    """Runs each job in this process, within a context of the application of its own."""

    max_connection_wait_time = 2.0

    def __init__(self, queue: Queue, app: Flask) -> None:
        super().__init__([queue], connection=queue.connection, serializer=JSONSerializer)
        self._app = app
        self.stopping = False

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        with self._app.app_context():
            return bool(super().perform_job(job, queue, execution))

    def handle_warm_shutdown_request(self) -> None:
        self.stopping = True


def wake_unclaimed(enqueue: Callable[[UUID], None]) -> None:
    """Whatever nobody writes is put on the queue (again): Redis may have lost it, or its writer may be dead."""
    with registry().reading() as work:
        unclaimed = work.exports.unclaimed()
    for export_id in unclaimed:
        enqueue(export_id)


def put_missing(queue: Queue) -> Callable[[UUID], None]:
    known = set(queue.job_ids)

    def enqueue(export_id: UUID) -> None:
        if f"export-{export_id}" not in known:
            put(queue, export_id)

    return enqueue


def look(app: Flask, queue: Queue, heart: Heart, stopping: threading.Event) -> None:
    while not stopping.wait(LOOK_EVERY):
        heart.beat("look")
        try:
            with app.app_context():
                wake_unclaimed(put_missing(queue))
        except (redis.RedisError, SQLAlchemyError, OSError) as error:
            log.warning("lost", error=type(error).__name__)


def listen(app: Flask, queue: Queue) -> None:
    """Wait for jobs, for as long as it takes Redis to be there; until SIGTERM or SIGINT, with what is in hand done."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    while not stopping.is_set():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        worker = None
        try:
            worker = ExportWorker(queue, app)
            worker.work()
        except (redis.RedisError, OSError) as error:
            log.warning("redis_failed", error=type(error).__name__)
            stopping.wait(RETRY_REDIS)
        if worker is not None and worker.stopping:
            return


def run(settings: ExportSettings) -> None:
    app = create_app(settings, build_services(settings))
    queue = queue_of(settings)
    if queue is None:
        raise ValueError("hufu-exports needs HUFU_REDIS_URL")
    heart, stopping = Heart(), threading.Event()
    heart.beat("look")
    looking = threading.Thread(target=look, args=(app, queue, heart, stopping), name="look", daemon=True)
    with serving(settings.health_host, settings.health_port, heart, Metrics()):
        looking.start()
        log.info("exports_started")
        try:
            listen(app, queue)
        finally:
            stopping.set()
            looking.join(LOOK_EVERY)
    log.info("exports_stopped")


def main() -> None:
    logs.configure()
    run(ExportSettings())
