"""Alembic runs here with the connection that `hufu db upgrade` hands over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

from hufu_registry.tables import metadata

connection: sa.Connection = context.config.attributes["connection"]
lock_timeout: str = context.config.attributes["lock_timeout"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True, transaction_per_migration=True)
# For the session, not SET LOCAL: each migration is a transaction of its own.
connection.execute(sa.select(sa.func.set_config("lock_timeout", lock_timeout, False)))
connection.commit()
try:
    with context.begin_transaction():
        context.run_migrations()
finally:
    # The connection goes back to the pool; an aborted migration left its transaction open.
    connection.rollback()
    connection.execute(sa.text("RESET lock_timeout"))
    connection.commit()
