"""What keeps somebody from signing in to Active Directory is a field that we write, and wrote to everybody there: what stands
there otherwise is somebody else's doing. A refused row says whose values were refused.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0017"
branch_labels = None
depends_on = None

FIELD = "signInBars"
WRITTEN = """
    INSERT INTO written_fields (target, kind, object_id, field, hash, written_at)
    SELECT target, kind, object_id, :field, :hash, now() FROM bindings WHERE target = 'ad' AND kind = 'account'
"""


def upgrade() -> None:
    keys = op.get_context().config.attributes["keys"]  # type: ignore[union-attr]
    fields: sa.Column[list[str]] = sa.Column("error_fields", sa.ARRAY(sa.Text()), nullable=False, server_default="{}")
    op.add_column("outbox", fields)
    op.get_bind().execute(sa.text(WRITTEN), {"field": FIELD, "hash": keys.index(f"sync:ad:{FIELD}", "")})


def downgrade() -> None:
    for table in ("written_fields", "drifts"):
        op.get_bind().execute(sa.text(f"DELETE FROM {table} WHERE field = :field"), {"field": FIELD})  # noqa: S608
    op.drop_column("outbox", "error_fields")
