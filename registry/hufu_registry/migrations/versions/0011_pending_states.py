"""Each state of pending work is counted by an index of its own rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0008"
branch_labels = None
depends_on = None

STATES = {
    "parked": "parked_at IS NOT NULL",
    "retrying": "parked_at IS NULL AND error_class IS NOT NULL",
    "waiting": "parked_at IS NULL AND error_class IS NULL",
}


def upgrade() -> None:
    for state, such in STATES.items():
        where = sa.text(f"generation > applied_generation AND {such}")
        op.create_index(f"ix_outbox_{state}", "outbox", ["target", "requested_at"], postgresql_where=where)


def downgrade() -> None:
    for state in STATES:
        op.drop_index(f"ix_outbox_{state}", table_name="outbox")
