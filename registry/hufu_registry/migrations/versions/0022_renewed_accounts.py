"""An account that is restored keeps when it was approved. Until now that was overwritten, but not when it was made, which was
the same moment.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None

INDEX, WHERE = "ix_accounts_not_activated", sa.text("state = 'not_activated'")


def upgrade() -> None:
    op.add_column("accounts", sa.Column("renewed_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE accounts SET renewed_at = approved_at, approved_at = created_at WHERE approved_at > created_at")
    op.drop_index(INDEX, "accounts")
    op.create_index(INDEX, "accounts", [sa.text("coalesce(renewed_at, approved_at)")], postgresql_where=WHERE)


def downgrade() -> None:
    op.drop_index(INDEX, "accounts")
    op.execute("UPDATE accounts SET approved_at = renewed_at WHERE renewed_at IS NOT NULL")
    op.drop_column("accounts", "renewed_at")
    op.create_index(INDEX, "accounts", ["approved_at"], postgresql_where=WHERE)
