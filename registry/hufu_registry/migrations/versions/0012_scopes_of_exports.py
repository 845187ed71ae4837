"""An export keeps over which agencies its file was written. One that is ready already was about all, and stays so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("exports", sa.Column("scope", sa.ARRAY(sa.BigInteger)))


def downgrade() -> None:
    op.drop_column("exports", "scope")
