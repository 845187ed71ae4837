"""Each case keeps the agency that decides it; the queue need not work it out for every row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0006"
branch_labels = None
depends_on = None

ASSIGN = """
UPDATE cases SET deciding_agency_id = (
    SELECT grants.agency_id
      FROM grants JOIN accounts ON accounts.id = grants.account_id
     WHERE grants.agency_path = ANY (ancestor_paths(cases.agency_path))
       AND grants.role = 'agency_manager' AND accounts.state = 'enabled'
       AND grants.ended_at IS NULL AND grants.valid_from <= now()
       AND (grants.valid_until IS NULL OR grants.valid_until > now())
     ORDER BY length(grants.agency_path) DESC LIMIT 1)
"""


def upgrade() -> None:
    op.add_column("cases", sa.Column("deciding_agency_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_cases_deciding_agency_id"), "cases", "agencies", ["deciding_agency_id"], ["id"])
    op.execute(ASSIGN)
    op.create_index("ix_cases_agency", "cases", ["agency_id"])
    op.create_index("ix_cases_deciding_agency", "cases", ["deciding_agency_id"])


def downgrade() -> None:
    op.drop_index("ix_cases_deciding_agency", table_name="cases")
    op.drop_index("ix_cases_agency", table_name="cases")
    op.drop_constraint(op.f("fk_cases_deciding_agency_id"), "cases", type_="foreignkey")
    op.drop_column("cases", "deciding_agency_id")
