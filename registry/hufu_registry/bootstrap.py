"""Builds what a process needs from its settings, and hands out transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa

from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.clock import Clock
from hufu_registry.kernel.ids import Ids, RandomIds
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.policy import Policy
from hufu_registry.kernel.store import DatabaseClock
from hufu_registry.settings import RegistrySettings, secret

# The relay listens here: a commit that wants something wakes it without waiting for its next look.
OUTBOX_CHANNEL = "hufu_outbox"


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
            if work.flush():
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
