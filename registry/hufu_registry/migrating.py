"""Bringing a database to this release's tables, one process at a time."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from hufu_registry.kernel.keys import Keys

MIGRATIONS = Path(__file__).parent / "migrations"
ONE_AT_A_TIME = 4_868_545_521
# A migration that waits for a table stops everybody behind it: it had better fail and be run again.
LOCK_TIMEOUT = "4s"


def upgrade(engine: sa.Engine, keys: Keys, revision: str = "head", lock_timeout: str = LOCK_TIMEOUT) -> None:
    """Run the missing migrations; a second run at the same time waits and then finds nothing to do.

    Raises OperationalError, with nothing of the migration done, when a table stays locked for `lock_timeout`.
    """
    with engine.connect() as connection:
        connection.execute(sa.text(f"SELECT pg_advisory_lock({ONE_AT_A_TIME})"))
        connection.commit()
        try:
            command.upgrade(config(connection, keys, lock_timeout), revision)
            connection.commit()
        finally:
            connection.execute(sa.text(f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})"))
            connection.commit()


def downgrade(engine: sa.Engine, keys: Keys, revision: str, lock_timeout: str = LOCK_TIMEOUT) -> None:
    with engine.connect() as connection:
        command.downgrade(config(connection, keys, lock_timeout), revision)
        connection.commit()


def config(connection: sa.Connection, keys: Keys, lock_timeout: str = LOCK_TIMEOUT) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    settings.attributes["keys"] = keys
    settings.attributes["lock_timeout"] = lock_timeout
    return settings
