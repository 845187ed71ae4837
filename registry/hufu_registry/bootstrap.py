"""Builds what a process needs from its settings, and hands out transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

import psycopg
import sqlalchemy as sa

from hufu_registry.features import FEATURES, Policy, SqlWork
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.ids import Ids, RandomIds
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.store import DatabaseClock, TransactionClock
from hufu_registry.notices.rendering import NoticeTemplates
from hufu_registry.settings import RegistrySettings, secret

# The relay listens here: a commit that wants something wakes it without waiting for its next look.
OUTBOX_CHANNEL = "hufu_outbox"
# The class of PostgreSQL's errors about a value.
UNREADABLE_VALUE = "22"


@dataclass(frozen=True)
class SqlServices:
    """Built once a process; hands out transactions. `policy` is the environment's; what is set now is `work.policy`."""

    engine: sa.Engine
    keys: Keys
    policy: Policy
    clock: TransactionClock
    ids: Ids

    @contextmanager
    def begin(self, actor: Actor = SYSTEM, *, one_snapshot: bool = False) -> Iterator[SqlWork]:
        """One transaction: commits at the end of the block, rolls back when it raises.

        With `one_snapshot` everything it reads is of one moment (REPEATABLE READ).
        """
        engine = self.engine.execution_options(isolation_level="REPEATABLE READ") if one_snapshot else self.engine
        with engine.begin() as connection:
            work = SqlWork(connection, self, actor, self.clock.within(connection))
            yield work
            if work.flush():
                connection.execute(sa.text(f"NOTIFY {OUTBOX_CHANNEL}"))

    @contextmanager
    def reading(self, actor: Actor = SYSTEM) -> Iterator[SqlWork]:
        """One transaction in which PostgreSQL itself refuses to write."""
        with self.read() as connection:
            yield SqlWork(connection, self, actor, self.clock.within(connection))

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """The connection of a transaction that only reads, for lists and other read models that need no time."""
        with self.engine.connect() as connection:
            yield connection.execution_options(postgresql_readonly=True)


def build_engine(settings: RegistrySettings) -> sa.Engine:
    url = sa.make_url(settings.database_url).set(password=secret(settings.database_password_file).get_secret_value())
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        connect_args={"connect_timeout": 5},
        # A statement's values are people's names and words; its error is logged.
        hide_parameters=True,
    )
    sa.event.listen(engine, "handle_error", forget_values)
    return engine


def forget_values(context: sa.engine.ExceptionContext) -> None:
    """PostgreSQL's own words name values, too: which key is there already, what could not be read as a number."""
    error = context.original_exception
    if not isinstance(error, psycopg.Error) or context.sqlalchemy_exception is None:
        return
    named = (error.sqlstate or "").startswith(UNREADABLE_VALUE)
    said = type(error).__name__ if named else error.diag.message_primary or str(error)
    error.args = (said,)
    context.sqlalchemy_exception.args = (f"({type(error).__module__}.{type(error).__name__}) {said}",)


def build_services(settings: RegistrySettings) -> SqlServices:
    engine = build_engine(settings)
    return SqlServices(
        engine=engine,
        keys=settings.keys(),
        policy=settings.policy(),
        clock=DatabaseClock(engine),
        ids=RandomIds(),
    )


@cache
def notice_templates() -> NoticeTemplates:
    """Every feature's, read once a process. Raises NoticeFaults."""
    return NoticeTemplates.of(FEATURES)
