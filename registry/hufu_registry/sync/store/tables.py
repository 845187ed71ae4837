"""The sync engine's tables: acts, what stands where, what we last wrote, and what Keycloak saw."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hufu_registry.kernel.outbox import Kind
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.sync.model import ActState

acts = sa.Table(
    "acts",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default=ActState.WAITING.value),
    sa.Column("done_at", Moment),
    sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    sa.Column("times", sa.Integer, nullable=False, server_default="0"),
    sa.CheckConstraint("state IN ('waiting','done','failed')", name="state"),
    sa.Index("ix_acts_account", "account_id", "number"),
)


def account_id_of(table: sa.FromClause) -> sa.ColumnElement[Any]:
    """The row's object id as an account's, NULL for other kinds; so joins find accounts by their index."""
    return sa.case((table.c.kind == Kind.ACCOUNT.value, sa.cast(table.c.object_id, sa.Uuid)))


def agency_id_of(table: sa.FromClause) -> sa.ColumnElement[Any]:
    return sa.case((table.c.kind == Kind.AGENCY.value, sa.cast(table.c.object_id, sa.BigInteger)))


bindings = sa.Table(
    "bindings",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("remote_id", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False, server_default=""),
    sa.Column("bound_at", Moment, nullable=False),
    # One object over there is one object here.
    sa.UniqueConstraint("target", "remote_id"),
)

written_fields = sa.Table(
    "written_fields",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("written_at", Moment, nullable=False),
)

drifts = sa.Table(
    "drifts",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("field", sa.Text, primary_key=True),
    sa.Column("since", Moment, nullable=False),
)

target_health = sa.Table(
    "target_health",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("last_success_at", Moment),
    sa.Column("failing_since", Moment),
    sa.Column("error_class", sa.Text),
    sa.Column("error", sa.Text),
)

sign_in_records = sa.Table(
    "sign_in_records",
    metadata,
    sa.Column("event_id", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("client", sa.Text, nullable=False, server_default=""),
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    sa.Column("at", Moment, nullable=False),
    sa.Column("error", sa.Text, nullable=False, server_default=""),
    sa.Index("ix_sign_in_records_account", "account_id", "at"),
)

feed_cursors = sa.Table(
    "feed_cursors",
    metadata,
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
)
