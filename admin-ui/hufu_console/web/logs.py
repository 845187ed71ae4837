"""One JSON line a request and a failure: ids only, never names, mailboxes or what was typed."""

from __future__ import annotations

import logging
import re
import sys
import time
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

import structlog
from flask import Flask, Response, g, request

from hufu_console.web.doors import Door, endpoint_of

log = structlog.get_logger("hufu_console")
PROCESSORS: Final[Sequence[structlog.typing.Processor]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(ensure_ascii=False),
)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})


def unquoted(record: logging.LogRecord) -> bool:
    """Gunicorn quotes a request that it cannot read: what is kept is what kind of fault it was."""
    fault = sys.exc_info()[0]
    if fault is not None and issubclass(fault, Exception):
        kept = re.split("[:%]", str(record.msg))[0].rstrip()
        record.msg, record.args = f"{kept}: {fault.__name__}", ()
    return True


def configure() -> None:
    """Once a process, from its composition root."""
    logging.getLogger("gunicorn.error").addFilter(unquoted)
    structlog.configure(
        processors=list(PROCESSORS),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )


def set_up(app: Flask) -> None:
    @app.before_request
    def begin() -> None:
        g.request_id = uuid4().hex[:12]
        g.began = time.monotonic()

    @app.after_request
    def end(response: Response) -> Response:
        if request.endpoint not in ("static", endpoint_of(Door.HEALTH)):
            viewer = g.get("viewer")
            log.info(
                "request",
                request_id=g.get("request_id"),
                method=request.method if request.method in METHODS else "other",
                endpoint=request.endpoint,
                status=response.status_code,
                milliseconds=round((time.monotonic() - g.get("began", time.monotonic())) * 1000),
                account_id=str(viewer.account_id) if viewer else None,
            )
        return response
