"""A group of tasks: what its tasks are made of, and the thread that runs them in turn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.errors import HufuError
from hufu_sync.bootstrap import Parts, Targets
from hufu_sync.comparison import StoppedError
from hufu_sync.errors import TargetError
from hufu_sync.health import Heart, Metrics

log = structlog.get_logger()

# How soon a request somebody made at the console is seen, in seconds.
REQUESTS = 2.0


@dataclass(slots=True)
class Task:
    """Run `act` every `every` seconds; a failure is logged and the next round tries again."""

    name: str
    every: float
    act: Callable[[], object]
    next_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Group:
    """`build` opens connections of the group's own; a group that needs none calls it not at all."""

    name: str
    parts: Parts
    build: Callable[[], Targets]
    stopping: threading.Event

    @property
    def services(self) -> SqlServices:
        return self.parts.services

    def alive(self) -> None:
        self.parts.heart.beat(self.name)


def tick(group: str, todo: Sequence[Task], heart: Heart, metrics: Metrics) -> float:
    """Run what is due; how many seconds until the next is."""
    for task in todo:
        if monotonic() < task.next_at:
            continue
        try:
            task.act()
        except StoppedError:
            log.info("task_stopped", task=task.name)
        except (TargetError, SQLAlchemyError, HufuError) as error:
            if isinstance(error, TargetError):
                log.warning("task_failed", task=task.name, code=error.code.value, detail=error.detail)
            else:
                log.warning("task_failed", task=task.name, code=type(error).__name__)
            metrics.failures.labels(task.name).inc()
        except Exception:
            log.exception("task_failed_unexpectedly", task=task.name)
            metrics.failures.labels(task.name).inc()
        task.next_at = monotonic() + task.every
        heart.beat(group)
    return max(0.05, min(task.next_at for task in todo) - monotonic())


def follow(group: str, todo: Sequence[Task], parts: Parts, stopping: threading.Event) -> None:
    while not stopping.is_set():
        parts.heart.beat(group)
        stopping.wait(tick(group, todo, parts.heart, parts.metrics))
