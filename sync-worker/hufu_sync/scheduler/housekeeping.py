"""What the features do because time passes: each says so in its own feature.py."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hufu_registry.features import FEATURES
from hufu_registry.kernel.actor import SYSTEM
from hufu_sync.scheduler.group import Group, Task


def tasks(group: Group) -> Sequence[Task]:
    return [
        Task(task.name, task.every.total_seconds(), partial(task.run, group.services, SYSTEM))
        for feature in FEATURES
        for task in feature.tasks
    ]
