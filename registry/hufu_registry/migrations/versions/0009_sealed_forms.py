"""What an applicant fills in is one sealed document; of it the table keeps what queue and search show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0009"
down_revision = "0011"
branch_labels = None
depends_on = None

# The form of the one type there was.
DOCUMENT = (
    "account_name", "name", "title", "unit_id", "unit_name", "phone", "extension", "mobile_sealed", "mobile_key",
    "wants_official_mail", "reason",
)  # fmt: skip
# What the document alone holds afterwards, and what it is taken to be where a form has no such thing.
MOVED: dict[str, tuple[sa.types.TypeEngine[Any], Any]] = {
    "phone": (sa.Text(), ""),
    "extension": (sa.Text(), ""),
    "mobile_sealed": (sa.Text(), ""),
    "mobile_key": (sa.Text(), ""),
    "wants_official_mail": (sa.Boolean(), False),
    "reason": (sa.Text(), ""),
}
ABOUT = "form"
BATCH = 2_000


FRESH = ("subject", "detail", "search_text", "form_sealed", "person_keys")


def upgrade() -> None:
    keys = op.get_context().config.attributes["keys"]  # type: ignore[union-attr]
    for name in FRESH:
        op.add_column("cases", sa.Column(name, ARRAY(sa.Text()) if name == "person_keys" else sa.Text(), nullable=True))
    op.execute(
        "UPDATE cases SET subject = name, detail = title, search_text = name || chr(10) || account_name,"
        " person_keys = ARRAY[mobile_key]"
    )
    rewrite(DOCUMENT, lambda row: {"form_sealed": keys.seal(ABOUT, json.dumps(row, ensure_ascii=False))})
    for name in FRESH:
        op.alter_column("cases", name, nullable=False)
    op.drop_index(op.f("ix_cases_mobile_key"), table_name="cases")
    for name in ("name", "title", *MOVED):
        op.drop_column("cases", name)
    op.create_index("ix_cases_person_keys", "cases", ["person_keys"], postgresql_using="gin")


def downgrade() -> None:
    keys = op.get_context().config.attributes["keys"]  # type: ignore[union-attr]
    op.drop_index("ix_cases_person_keys", table_name="cases", postgresql_using="gin")
    op.add_column("cases", sa.Column("name", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("title", sa.Text(), nullable=True))
    for name, (kind, _) in MOVED.items():
        op.add_column("cases", sa.Column(name, kind, nullable=True))

    def opened(row: dict[str, Any]) -> dict[str, Any]:
        document = json.loads(keys.open(ABOUT, row["form_sealed"]))
        return {name: document.get(name, usual) for name, (_, usual) in MOVED.items()}

    op.execute("UPDATE cases SET name = subject, title = detail")
    rewrite(("form_sealed",), opened)
    for name in ("name", "title", *MOVED):
        op.alter_column("cases", name, nullable=False)
    for name in FRESH:
        op.drop_column("cases", name)
    op.create_index(op.f("ix_cases_mobile_key"), "cases", ["mobile_key"], unique=False)


def rewrite(read: tuple[str, ...], written: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Put into every case what is made of these columns of it."""
    connection = op.get_bind()
    table = sa.Table("cases", sa.MetaData(), autoload_with=connection)
    for ids in batches(connection, table):
        rows = connection.execute(sa.select(table.c.id, *(table.c[name] for name in read)).where(table.c.id.in_(ids)))
        values = [{"case_id": row.id, **written({name: getattr(row, name) for name in read})} for row in rows.all()]
        change = sa.update(table).where(table.c.id == sa.bindparam("case_id"))
        connection.execute(change.values({name: sa.bindparam(name) for name in values[0] if name != "case_id"}), values)


def batches(connection: sa.Connection, table: sa.Table) -> Iterator[list[Any]]:
    ids = connection.execute(sa.select(table.c.id).order_by(table.c.id)).scalars().all()
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])
