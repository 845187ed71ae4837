"""What the sync engine brings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from uuid import UUID

import sqlalchemy as sa

import hufu_registry.kernel.stores as kernel
from hufu_registry.kernel.feature import Feature, TimedTask
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.sync.events import EVENTS
from hufu_registry.sync.model import SyncPolicy
from hufu_registry.sync.permissions import PERMISSIONS
from hufu_registry.sync.store import (
    SqlAdministration,
    SqlAgencyTree,
    SqlBindings,
    SqlComparison,
    SqlCursors,
    SqlDrift,
    SqlHistory,
    SqlQueue,
    SqlRuns,
    SqlSignInLocks,
    SqlSignInRecords,
    SqlTargetHealth,
    SqlWrittenValues,
    registry_identity,
)
from hufu_registry.sync.use_cases.housekeeping import (
    enqueue_deleted,
    forget_history,
    settle_runs,
)

EVERY = timedelta(minutes=10)
FEATURE = Feature(
    "sync",
    policy=SyncPolicy,
    permissions=PERMISSIONS,
    events=EVENTS,
    tasks=(
        TimedTask("runs", timedelta(seconds=2), settle_runs),
        TimedTask("deletion", EVERY, enqueue_deleted),
        TimedTask("history", EVERY, forget_history),
    ),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def runs(self) -> SqlRuns:
        return SqlRuns(self.connection, self.tools.keys, self.now)

    @cached_property
    def sign_in_locks(self) -> SqlSignInLocks:
        return SqlSignInLocks(self.connection)

    @cached_property
    def administration(self) -> SqlAdministration:
        return SqlAdministration(self.connection, self.tools.keys, self.now)

    @cached_property
    def queue(self) -> SqlQueue:
        return SqlQueue(self.connection, self.now)

    @cached_property
    def bindings(self) -> SqlBindings:
        return SqlBindings(self.connection, self.now)

    @cached_property
    def written_values(self) -> SqlWrittenValues:
        return SqlWrittenValues(self.connection, self.now)

    @cached_property
    def drift(self) -> SqlDrift:
        return SqlDrift(self.connection, self.tools.keys, self.now)

    @cached_property
    def history(self) -> SqlHistory:
        return SqlHistory(self.connection, self.now)

    @cached_property
    def target_health(self) -> SqlTargetHealth:
        return SqlTargetHealth(self.connection, self.now)

    @cached_property
    def cursors(self) -> SqlCursors:
        return SqlCursors(self.connection, self.now)

    @cached_property
    def sign_in_records(self) -> SqlSignInRecords:
        return SqlSignInRecords(self.connection)

    @cached_property
    def agency_tree(self) -> SqlAgencyTree:
        return SqlAgencyTree(self.connection)

    @cached_property
    def comparison(self) -> SqlComparison:
        return SqlComparison(self.connection, self.tools.keys, self.now)

    def registry_id(self) -> UUID:
        """Which registry this is: a plan of another one is refused."""
        identity: UUID = self.connection.execute(sa.select(registry_identity.c.id)).scalar_one()
        return identity

    def flush(self) -> Mapping[OutboxKey, int]:
        """A bulk run follows what its transaction enqueued."""
        written = super().flush()
        self.runs.follow(written)
        return written
