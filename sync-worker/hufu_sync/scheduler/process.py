"""The scheduler's process: every group of tasks in a thread, until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType

import structlog

from hufu_sync import logs
from hufu_sync.bootstrap import Parts, Targets, build_parts, build_targets
from hufu_sync.health import serving
from hufu_sync.scheduler import changes, comparisons, feed, housekeeping, plans
from hufu_sync.scheduler.group import Group, Task, follow
from hufu_sync.settings import SyncSettings

log = structlog.get_logger()

GROUPS: Mapping[str, Callable[[Group], Sequence[Task]]] = {
    "feed": feed.tasks,
    "changes": changes.tasks,
    "comparisons": comparisons.tasks,
    "plans": plans.tasks,
    "housekeeping": housekeeping.tasks,
}


def task_groups(parts: Parts, build: Callable[[], Targets], stopping: threading.Event) -> Mapping[str, Sequence[Task]]:
    """Tasks by group; each group calls `build` for its own connections."""
    return {name: tasks(Group(name, parts, build, stopping)) for name, tasks in GROUPS.items()}


def run(settings: SyncSettings, build: Callable[[], Targets]) -> None:
    parts = build_parts(settings)
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    groups = {name: todo for name, todo in task_groups(parts, build, stopping).items() if todo}
    threads = [
        threading.Thread(target=follow, name=name, args=(name, todo, parts, stopping), daemon=True)
        for name, todo in groups.items()
    ]
    with serving(settings.health_host, settings.health_port, parts.heart, parts.metrics):
        for thread in threads:
            thread.start()
        log.info("scheduler_started")
        stopping.wait()
        for thread in threads:
            thread.join(settings.lease_seconds)
    log.info("scheduler_stopped")


def main() -> None:
    logs.set_up("scheduler")
    settings = SyncSettings()
    run(settings, partial(build_targets, settings))
