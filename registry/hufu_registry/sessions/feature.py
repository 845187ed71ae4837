"""What the console's sessions bring."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.kernel.feature import Feature, TimedTask
from hufu_registry.sessions.model import SessionPolicy
from hufu_registry.sessions.store import SqlDrafts, SqlSavedFilters, SqlSessions
from hufu_registry.sessions.use_cases import forget_old

FEATURE = Feature(
    "sessions",
    policy=SessionPolicy,
    tasks=(TimedTask("sessions", timedelta(minutes=10), forget_old),),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self.connection)

    @cached_property
    def drafts(self) -> SqlDrafts:
        return SqlDrafts(self.connection, self.tools.keys)

    @cached_property
    def saved_filters(self) -> SqlSavedFilters:
        return SqlSavedFilters(self.connection, self.tools.keys, self.now)
