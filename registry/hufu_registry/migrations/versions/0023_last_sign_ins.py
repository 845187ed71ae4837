"""Lists of people say, and look for, when somebody signed in last and whom the directory keeps out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "last_sign_ins",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_last_sign_ins_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_last_sign_ins")),
    )
    op.execute(
        "INSERT INTO last_sign_ins (account_id, at) SELECT account_id, max(at) FROM sign_in_records "
        "WHERE type = 'LOGIN' AND error = '' GROUP BY account_id"
    )
    op.create_index("ix_drifts_bars", "drifts", ["object_id"], postgresql_where=sa.text("field = 'signInBars'"))


def downgrade() -> None:
    op.drop_index("ix_drifts_bars", table_name="drifts")
    op.drop_table("last_sign_ins")
