"""Exports: lists that are written by a process of their own, and kept for a day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("requested_by", sa.Uuid, nullable=False),
        sa.Column("list_name", sa.Text, nullable=False),
        sa.Column("recorded_as", sa.Text, nullable=False),
        sa.Column("parameters", JSONB, nullable=False),
        sa.Column("words_sealed", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("expires_at", Moment, nullable=False),
        sa.Column("begun_at", Moment),
        sa.Column("finished_at", Moment),
        sa.Column("file_name", sa.Text, nullable=False, server_default=""),
        sa.Column("rows", sa.Integer, nullable=False, server_default="0"),
        sa.Column("content_sealed", sa.LargeBinary),
        sa.CheckConstraint("state IN ('waiting','running','ready','failed')", name=op.f("ck_exports_state")),
        sa.CheckConstraint(
            "state <> 'ready' OR content_sealed IS NOT NULL", name=op.f("ck_exports_content_when_ready")
        ),
        sa.ForeignKeyConstraint(["requested_by"], ["accounts.id"], name=op.f("fk_exports_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index("ix_exports_requested_by", "exports", ["requested_by"])
    unfinished = sa.text("state IN ('waiting','running')")
    op.create_index("ix_exports_unfinished", "exports", ["created_at"], postgresql_where=unfinished)
    op.create_index("ix_exports_expires_at", "exports", ["expires_at"])


def downgrade() -> None:
    op.drop_table("exports")
