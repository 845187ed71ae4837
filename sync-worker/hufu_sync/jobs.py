"""The only job there is: look at a target's queue. PostgreSQL knows what there is to do."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

QUEUE = "hufu"
# RQ calls a job by its name and hands it nothing of the process it runs in; the worker sets this around it.
wake: ContextVar[Callable[[str], None]] = ContextVar("wake")


def drain(target: str) -> None:
    """Wake the target's thread; it works until nothing is due."""
    wake.get()(target)


def job_id(target: str) -> str:
    return f"drain-{target}"
