"""Plans that somebody asked for at the console, and their execution."""

from __future__ import annotations

from collections.abc import Sequence

from hufu_sync.planning import build_plan_lanes, serve_requests
from hufu_sync.scheduler.group import REQUESTS, Group, Task


def tasks(group: Group) -> Sequence[Task]:
    lanes = build_plan_lanes(group.parts, group.build())
    return [Task("plans", REQUESTS, lambda: serve_requests(group.services, lanes, group.alive))]
