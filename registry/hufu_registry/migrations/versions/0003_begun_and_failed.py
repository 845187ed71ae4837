"""Work that was begun, of which something may stand in the target though nothing was noted; why a plan failed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("begun", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("sync_runs", sa.Column("code", sa.Text(), server_default="", nullable=False))
    op.execute("UPDATE outbox SET begun = true WHERE wanted > done")


def downgrade() -> None:
    op.drop_column("sync_runs", "code")
    op.drop_column("outbox", "begun")
