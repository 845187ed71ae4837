"""The effects' tables: acts that are held, and what each of them would do."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from hufu_registry.kernel.store import Moment, metadata

effects = sa.Table(
    "effects",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    # Ids, names of agencies, dates: what is needed to run it afresh. Files are in `files`.
    sa.Column("command", JSONB, nullable=False),
    sa.Column("files", sa.LargeBinary),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("requested_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("decided_at", Moment),
    sa.Column("decided_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("failure", sa.Text, nullable=False, server_default=""),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.CheckConstraint("state IN ('held','executed','cancelled','failed')", name="state"),
    sa.Index("ix_effects_state", "state", "requested_at"),
)

effect_changes = sa.Table(
    "effect_changes",
    metadata,
    sa.Column("effect_id", sa.Uuid, sa.ForeignKey("effects.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger, nullable=False),
    sa.Column("agency_name", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False, server_default=""),
    sa.Column("after", sa.Text, nullable=False, server_default=""),
)
