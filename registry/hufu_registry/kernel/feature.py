"""What a feature brings to the house: it says so itself, in its `feature.py`; nobody else lists features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, slots=True)
class TimedTask:
    """`run` is one round, given the process's services; a round may be repeated, and may end anywhere."""

    name: str
    every: timedelta
    run: Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Feature:
    """`name` is the folder's. `tasks` are what the scheduler does for it.

    `commands` are its acts that may take something from many accounts (`hufu_registry.guard.use_cases.Command`).
    """

    name: str
    tasks: tuple[TimedTask, ...] = ()
    commands: tuple[Any, ...] = ()
