"""Which notices may be joined in one mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("notices", sa.Column("digest_key", sa.Text()))
    op.create_index(
        "ix_notices_digest_key", "notices", ["digest_key"], postgresql_where=sa.text("digest_key IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_notices_digest_key", table_name="notices")
    op.drop_column("notices", "digest_key")
