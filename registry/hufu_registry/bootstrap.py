"""The registry's composition root: the one place where rules meet tables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.accounts.store import SqlAccounts, SqlNames
from hufu_registry.agencies.store import SqlAgencies
from hufu_registry.audit.store import SqlAudit
from hufu_registry.cases.store import SqlCases
from hufu_registry.dependents import SqlDependents
from hufu_registry.guard.store import SqlHeldChanges
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.clock import Clock
from hufu_registry.kernel.ids import Ids, RandomIds
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.policy import Policy
from hufu_registry.kernel.store import DatabaseClock, SqlOutbox
from hufu_registry.notices.store import SqlNotices
from hufu_registry.people.store import SqlMailboxes, SqlPeople
from hufu_registry.rights.store import SqlGrants
from hufu_registry.sessions.store import SqlDrafts, SqlSessions
from hufu_registry.settings import RegistrySettings, secret
from hufu_registry.sync.store import (
    SqlActions,
    SqlAdministration,
    SqlComparison,
    SqlQueue,
    SqlRecords,
    SqlRuns,
    SqlSignInLocks,
    registry_identity,
)

# The relay listens here: a commit that wants something wakes it without waiting for its next look.
OUTBOX_CHANNEL = "hufu_outbox"


class SqlWork:
    """An open transaction with every feature's tables."""

    def __init__(self, connection: sa.Connection, services: SqlServices, actor: Actor, now: datetime) -> None:
        self.connection = connection
        self.actor = actor
        self.now = now
        self._services = services
        self.outbox = SqlOutbox(connection, now)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self.connection, self._services.keys, self.actor, self.now)

    @cached_property
    def notices(self) -> SqlNotices:
        return SqlNotices(self.connection, self._services.keys, self._services.ids, self.outbox, self.now)

    @cached_property
    def agencies(self) -> SqlAgencies:
        return SqlAgencies(self.connection)

    @cached_property
    def dependents(self) -> SqlDependents:
        return SqlDependents(self.connection, self.now)

    @cached_property
    def grants(self) -> SqlGrants:
        return SqlGrants(self.connection, self.now)

    @cached_property
    def people(self) -> SqlPeople:
        return SqlPeople(self.connection, self.now)

    @cached_property
    def mailboxes(self) -> SqlMailboxes:
        return SqlMailboxes(self.connection)

    @cached_property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self.connection, self._services.keys, self.now)

    @cached_property
    def names(self) -> SqlNames:
        return SqlNames(self.connection, self._services.policy, self.now)

    @cached_property
    def actions(self) -> SqlActions:
        return SqlActions(self.connection, self.now)

    @cached_property
    def runs(self) -> SqlRuns:
        return SqlRuns(self.connection, self._services.keys, self.now)

    @cached_property
    def sign_in_locks(self) -> SqlSignInLocks:
        return SqlSignInLocks(self.connection)

    @cached_property
    def administration(self) -> SqlAdministration:
        return SqlAdministration(self.connection, self._services.keys, self.now)

    def registry_id(self) -> UUID:
        """Which registry this is: a plan of another one is refused."""
        found: UUID = self.connection.execute(sa.select(registry_identity.c.id)).scalar_one()
        return found

    @cached_property
    def queue(self) -> SqlQueue:
        return SqlQueue(self.connection, self.now)

    @cached_property
    def sync_records(self) -> SqlRecords:
        return SqlRecords(self.connection, self._services.keys, self.now)

    @cached_property
    def comparison(self) -> SqlComparison:
        return SqlComparison(self.connection, self._services.keys, self.now)

    @cached_property
    def sessions(self) -> SqlSessions:
        return SqlSessions(self.connection)

    @cached_property
    def drafts(self) -> SqlDrafts:
        return SqlDrafts(self.connection, self._services.keys)

    @cached_property
    def held_changes(self) -> SqlHeldChanges:
        return SqlHeldChanges(self.connection)

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self.connection, self._services.keys, self.now)


@dataclass(frozen=True)
class SqlServices:
    """Built once a process; hands out transactions."""

    engine: sa.Engine
    keys: Keys
    policy: Policy
    clock: Clock
    ids: Ids

    @contextmanager
    def begin(self, actor: Actor = SYSTEM) -> Iterator[SqlWork]:
        """One transaction: commits at the end of the block, rolls back when it raises."""
        now = self.clock.now()
        with self.engine.begin() as connection:
            work = SqlWork(connection, self, actor, now)
            yield work
            written = work.outbox.flush()
            work.runs.follow(written)
            if written:
                connection.execute(sa.text(f"NOTIFY {OUTBOX_CHANNEL}"))

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection for lists and other read models; nothing is written through it."""
        with self.engine.connect() as connection:
            yield connection


def build_engine(settings: RegistrySettings) -> sa.Engine:
    url = sa.make_url(settings.database_url).set(password=secret(settings.database_password_file).get_secret_value())
    return sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8, connect_args={"connect_timeout": 5})


def build_services(settings: RegistrySettings) -> SqlServices:
    engine = build_engine(settings)
    return SqlServices(
        engine=engine,
        keys=settings.keys(),
        policy=settings.policy(),
        clock=DatabaseClock(engine),
        ids=RandomIds(),
    )
