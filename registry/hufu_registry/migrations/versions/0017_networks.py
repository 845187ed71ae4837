"""From which network strangers asked for codes and keep drafts, under a keyed hash, so that each has its limits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mailbox_codes", sa.Column("network", sa.Text()))
    op.create_index(
        "ix_mailbox_codes_network",
        "mailbox_codes",
        ["network", "sent_at"],
        postgresql_where=sa.text("network IS NOT NULL"),
    )
    op.add_column("drafts", sa.Column("network", sa.Text()))
    op.create_index("ix_drafts_owner", "drafts", ["owner", "kept_at"])
    op.create_index(
        "ix_drafts_network", "drafts", ["network", "kept_at"], postgresql_where=sa.text("network IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_drafts_network", table_name="drafts")
    op.drop_index("ix_drafts_owner", table_name="drafts")
    op.drop_column("drafts", "network")
    op.drop_index("ix_mailbox_codes_network", table_name="mailbox_codes")
    op.drop_column("mailbox_codes", "network")
