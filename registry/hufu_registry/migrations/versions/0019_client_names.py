"""Applications have names that people know; the sign-in server tells them with each sign-in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    names = op.create_table(
        "client_names",
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("client", name=op.f("pk_client_names")),
    )
    # The one that everybody has signed in to; the others are told at their next sign-in.
    op.bulk_insert(
        names, [{"client": "hufu-console", "name": "公務帳號管理", "name_en": "Management of official accounts"}]
    )


def downgrade() -> None:
    op.drop_table("client_names")
