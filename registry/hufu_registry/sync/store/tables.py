"""The sync engine's tables: acts, what stands where, what we last wrote, and what Keycloak saw."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hufu_registry.kernel.outbox import Kind
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.sync.model import BARS


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
    sa.Column("address", sa.Text, nullable=False, server_default=""),
    # The remote id of what it stands in.
    sa.Column("parent_id", sa.Text),
    sa.Column("bound_at", Moment, nullable=False),
    # One object over there is one object here.
    sa.UniqueConstraint("target", "remote_id"),
    sa.Index("ix_bindings_parent_id", "target", "parent_id"),
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
    sa.Column("seen_at", Moment, nullable=False),
    # Both values are sealed: they may be about a person.
    sa.Column("there_sealed", sa.Text, nullable=False, server_default=""),
    sa.Column("wanted_sealed", sa.Text, nullable=False, server_default=""),
    sa.Column("ignored_until", Moment),
    sa.Index("ix_drifts_since", "since"),
    # Whom the directory may keep out: lists of people ask it.
    sa.Index("ix_drifts_bars", "object_id", postgresql_where=sa.text(f"field = '{BARS}'")),
)

target_health = sa.Table(
    "target_health",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("last_success_at", Moment),
    sa.Column("failing_since", Moment),
    sa.Column("error_class", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("paused_at", Moment),
    sa.Column("paused_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("paused_why", sa.Text, nullable=False, server_default=""),
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

# When somebody was let in last, of all the records there were: what lists of people show and look for.
last_sign_ins = sa.Table(
    "last_sign_ins",
    metadata,
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

# What people call the applications, as the sign-in server last told.
client_names = sa.Table(
    "client_names",
    metadata,
    sa.Column("client", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("name_en", sa.Text, nullable=False),
)

feed_cursors = sa.Table(
    "feed_cursors",
    metadata,
    sa.Column("feed", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

sign_in_locks = sa.Table(
    "sign_in_locks",
    metadata,
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment),
)

# How far a target's own list of changes was read.
change_cursors = sa.Table(
    "change_cursors",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("server", sa.Text, nullable=False),
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("at", Moment, nullable=False),
)

# Every step the worker did: the history people read, and what the guard counts.
applied_steps = sa.Table(
    "applied_steps",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("fields", sa.Text, nullable=False, server_default=""),
    sa.Column("destructive", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_applied_steps_object", "kind", "object_id", "at"),
    sa.Index("ix_applied_steps_destructive", "target", "at", postgresql_where=sa.text("destructive")),
)

sync_runs = sa.Table(
    "sync_runs",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("target", sa.Text),
    sa.Column("cause", sa.Text, nullable=False, server_default=""),
    sa.Column("requested_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("finished_at", Moment),
    sa.Column("objects", sa.Integer, nullable=False, server_default="0"),
    sa.Column("done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("differing", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("code", sa.Text, nullable=False, server_default=""),
    # What it is about, where it is not everything; and for an execution the plan it executes.
    sa.Column("agency_id", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("plan_id", sa.Uuid, sa.ForeignKey("sync_runs.id"), unique=True),
    # Until then somebody is at work on it; a request whose worker died is open again.
    sa.Column("busy_until", Moment),
    # A plan's own content is sealed: its values may be about people.
    sa.Column("body_sealed", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("kind IN ('comparison','changes','bulk','plan')", name="kind"),
    sa.Index("ix_sync_runs_started_at", "started_at"),
    sa.Index("ix_sync_runs_open", "kind", "started_at", postgresql_where=sa.text("finished_at IS NULL")),
)

# The rows a bulk run wanted, and the generation it asked for: done once the outbox is.
sync_run_rows = sa.Table(
    "sync_run_rows",
    metadata,
    sa.Column("run_id", sa.Uuid, sa.ForeignKey("sync_runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
)

# One row a minute and target, for the picture of the last day.
queue_samples = sa.Table(
    "queue_samples",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("at", Moment, primary_key=True),
    sa.Column("waiting", sa.Integer, nullable=False),
    sa.Column("retrying", sa.Integer, nullable=False),
    sa.Column("parked", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
)

# Which registry this is: a plan made from another one is refused.
registry_identity = sa.Table(
    "registry_identity",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid()),
)
