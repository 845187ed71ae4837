"""Logs as JSON lines, with ids and codes only."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

import structlog
from structlog.typing import Processor

# Their lines name addresses and queries, and what they tell of is told by ours.
TALKATIVE = ("urllib3", "keycloak", "ldap3", "rq", "httpx")


def set_up(process: str, stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Our lines from a level up, and warnings of libraries, in one config; on standard output unless said otherwise."""
    stream = stream or sys.stdout
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            foreign_pre_chain=shared,
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.contextvars.bind_contextvars(process=process)
