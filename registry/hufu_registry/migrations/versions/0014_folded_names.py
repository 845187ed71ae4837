"""Names are searched and compared as agencies' are: folded. Dots of every kind are one, there too."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0016"
branch_labels = None
depends_on = None

DOTS = "\xb7\u0387\u2022\u2024\u2027\u2219\u22c5\u2e31\u30fb\ua78f\uff65"


cases = sa.table("cases", sa.column("search_text"))
agencies = sa.table("agencies", sa.column("search_path"), sa.column("search_text"))


def folded(text: str) -> str:
    return f"translate(replace(lower(normalize({text}, NFKC)), 'ß', 'ss'), '台ς{DOTS}', '臺σ{'.' * len(DOTS)}')"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("name_folded", sa.Text(), sa.Computed(folded("name"), persisted=True)))
    op.execute(sa.update(cases).values(search_text=sa.literal_column(folded("search_text"))))
    path, text = (sa.func.translate(column, DOTS, "." * len(DOTS)) for column in agencies.c)
    changed = sa.or_(agencies.c.search_path != path, agencies.c.search_text != text)
    op.execute(sa.update(agencies).where(changed).values(search_path=path, search_text=text))


def downgrade() -> None:
    """What is folded is found by the older search, too."""
    op.drop_column("accounts", "name_folded")
