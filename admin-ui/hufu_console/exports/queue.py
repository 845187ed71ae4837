"""The queue that wakes the process which writes exports. PostgreSQL knows what there is to write; a job is an id."""

from __future__ import annotations

from uuid import UUID

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer

from hufu_console.settings import Settings

NAME = "hufu-exports"
JOB = "hufu_console.exports.jobs.write"
JOB_SECONDS = 600

log = structlog.get_logger("hufu_console")


def queue_of(settings: Settings) -> Queue | None:
    """None where there is no Redis."""
    if not settings.limits_url.startswith("redis"):
        return None
    connection = redis.Redis.from_url(settings.limits_url, socket_connect_timeout=1)
    return Queue(NAME, connection=connection, serializer=JSONSerializer)


def put(queue: Queue, export_id: UUID) -> None:
    queue.enqueue_call(
        JOB, args=[str(export_id)], job_id=f"export-{export_id}", result_ttl=0, failure_ttl=60, timeout=JOB_SECONDS
    )


def wake(settings: Settings, export_id: UUID) -> None:
    """Have it written soon; without Redis the process finds it by itself."""
    try:
        queue = queue_of(settings)
        if queue is not None:
            put(queue, export_id)
    except (redis.RedisError, OSError) as error:
        log.warning("redis_failed", error=type(error).__name__)
