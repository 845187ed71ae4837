"""Settings that change while everything runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "settings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["agency_id"], ["agencies.id"], name=op.f("fk_settings_agency_id")),
        sa.ForeignKeyConstraint(["changed_by"], ["accounts.id"], name=op.f("fk_settings_changed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settings")),
    )
    op.create_index("ix_settings_key", "settings", ["key", "agency_id", "valid_from", "id"], unique=False)
    op.create_index(
        "ix_settings_agency_id",
        "settings",
        ["agency_id"],
        unique=False,
        postgresql_where=sa.text("agency_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_settings_agency_id", table_name="settings", postgresql_where=sa.text("agency_id IS NOT NULL"))
    op.drop_index("ix_settings_key", table_name="settings")
    op.drop_table("settings")
