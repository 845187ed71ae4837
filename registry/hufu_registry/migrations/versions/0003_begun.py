"""Work that was begun: something of it may stand in the target though nothing was noted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("begun", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE outbox SET begun = true WHERE wanted > done")


def downgrade() -> None:
    op.drop_column("outbox", "begun")
