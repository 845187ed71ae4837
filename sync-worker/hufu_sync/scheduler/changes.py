"""What somebody changed in the directory, within seconds; nothing where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hufu_registry.kernel.outbox import Target
from hufu_sync.bootstrap import build_convergers
from hufu_sync.changes import Watch
from hufu_sync.comparison import Comparison
from hufu_sync.scheduler.group import Group, Task


def tasks(group: Group) -> Sequence[Task]:
    targets = group.build()
    if targets.directory is None:
        return ()
    watch = Watch(Comparison(build_convergers(group.parts, targets)[Target.AD]), targets.directory)
    return [Task("changes", group.parts.settings.changes_seconds, partial(watch.poll, group.alive))]
