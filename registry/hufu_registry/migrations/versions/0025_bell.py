"""What is new for somebody stands in his bell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bell_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("notice", sa.Text(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bell_entries")),
    )
    unread = sa.text("read_at IS NULL")
    op.create_index(op.f("ix_bell_entries_told_at"), "bell_entries", ["told_at"])
    op.create_index("ix_bell_entries_account_id", "bell_entries", ["account_id", "told_at"])
    op.create_index("ix_bell_entries_unread", "bell_entries", ["account_id"], postgresql_where=unread)
    op.create_index("ix_bell_entries_unread_of", "bell_entries", ["object_id", "notice"], postgresql_where=unread)


def downgrade() -> None:
    op.drop_table("bell_entries")
