"""Why an account was disabled, where that is not somebody's words: a typed "security" is a word like others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("state_cause", sa.Text()))
    op.execute(
        "UPDATE accounts SET state_cause = state_reason, state_reason = '' "
        "WHERE state = 'disabled' AND state_reason IN ('security','not_activated_in_time')"
    )
    op.create_check_constraint(
        op.f("ck_accounts_state_cause"), "accounts", "state_cause IN ('security','not_activated_in_time')"
    )


def downgrade() -> None:
    op.execute("UPDATE accounts SET state_reason = state_cause WHERE state_cause IS NOT NULL")
    op.drop_constraint(op.f("ck_accounts_state_cause"), "accounts")
    op.drop_column("accounts", "state_cause")
