"""Logs as JSON lines on standard output, with ids and codes only."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(process: str) -> None:
    logging.basicConfig(stream=sys.stdout, level=logging.WARNING, format="%(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
