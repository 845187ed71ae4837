"""Sign-ins and activations, as Keycloak tells of them."""

from __future__ import annotations

from collections.abc import Sequence

from hufu_sync.bootstrap import Targets
from hufu_sync.feed import Feed
from hufu_sync.scheduler.group import Group, Task


def tasks(group: Group) -> Sequence[Task]:
    return [Task("feed", group.parts.settings.feed_seconds, feed_of(group, group.build()).poll)]


def feed_of(group: Group, targets: Targets) -> Feed:
    return Feed(group.services, targets.sign_in, targets.directory, group.parts.metrics, group.alive)
