"""The first release's tables."""

from __future__ import annotations

from alembic import op

from hufu_registry.tables import metadata

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ANCESTOR_PATHS = """
CREATE FUNCTION ancestor_paths(path text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT array_agg(array_to_string((string_to_array(path, '.'))[1:step], '.') COLLATE "C")
  FROM generate_series(1, cardinality(string_to_array(path, '.'))) AS step
$$
"""


def upgrade() -> None:
    op.execute(ANCESTOR_PATHS)
    metadata.create_all(op.get_bind())


def downgrade() -> None:
    metadata.drop_all(op.get_bind())
    op.execute("DROP FUNCTION ancestor_paths(text)")
