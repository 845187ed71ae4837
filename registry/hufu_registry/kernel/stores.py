"""One open transaction's repositories. Each feature adds its own as a subclass; features.py joins them into one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Protocol

import sqlalchemy as sa

from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.feature import Feature
from hufu_registry.kernel.ids import AgencyId, Ids
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.policy import Policy
from hufu_registry.kernel.store import SqlOutbox


class Tools(Protocol):
    """What a process builds once and its repositories need."""

    @property
    def keys(self) -> Keys: ...
    @property
    def policy(self) -> Policy: ...
    @property
    def ids(self) -> Ids: ...


class Stores:
    """What every feature's repositories are built from: connection, moment, actor, keys."""

    feature: ClassVar[Feature]
    # What is set now; read when first asked for. Each feature's use cases say which part of it they need.
    policy: Any

    def __init__(self, connection: sa.Connection, tools: Tools, actor: Actor, now: datetime) -> None:
        self.connection = connection
        self.tools = tools
        self.actor = actor
        self.now = now
        self.outbox = SqlOutbox(connection, now)
        # At or below these agencies others may decide than before: managers came or went, or the agency moved.
        # Whoever keeps what followed from it brings it up to date in his `flush`.
        self.deciders_changed: set[AgencyId] = set()

    def flush(self) -> Mapping[OutboxKey, int]:
        """At the transaction's end: write what was enqueued. A feature that follows it does so in its own `flush`."""
        return self.outbox.flush()

    @classmethod
    def features(cls) -> tuple[Feature, ...]:
        """Those whose repositories were joined into this class, in their order."""
        return tuple(base.feature for base in cls.__bases__ if issubclass(base, Stores))

    @classmethod
    def permissions(cls) -> tuple[Permission, ...]:
        """All that there are."""
        return tuple(permission for feature in cls.features() for permission in feature.permissions)
