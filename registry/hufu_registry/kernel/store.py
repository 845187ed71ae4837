"""PostgreSQL: the metadata every feature's tables hang on, and the outbox table."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.kernel.outbox import OutboxKey

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)

Moment = sa.DateTime(timezone=True)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("wanted", sa.BigInteger, nullable=False),
    sa.Column("done", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("bulk", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("wanted_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Column("lease", sa.Uuid),
    sa.Column("leased_until", Moment),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", Moment),
    sa.Column("error_class", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("parked_at", Moment),
    sa.CheckConstraint("done <= wanted", name="done_not_ahead"),
    sa.Index("ix_outbox_due", "target", "bulk", "next_at", postgresql_where=sa.text("wanted > done")),
    sa.Index("ix_outbox_done_at", "target", "done_at"),
)


class SqlOutbox:
    """Collects what a transaction wants and writes it, in key order, when the unit of work commits."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._wanted: dict[OutboxKey, bool] = {}
        self._ensured: set[OutboxKey] = set()

    def want(self, key: OutboxKey, *, bulk: bool = False) -> None:
        self._wanted[key] = self._wanted.get(key, True) and bulk

    def ensure(self, key: OutboxKey) -> None:
        self._ensured.add(key)

    def flush(self) -> bool:
        """Write the rows; true when there is something for the relay to look at."""
        for key in sorted(self._wanted.keys() | self._ensured):
            self._write(key)
        return bool(self._wanted or self._ensured)

    def _write(self, key: OutboxKey) -> None:
        row = insert(outbox).values(
            target=key.target.value,
            kind=key.kind.value,
            object_id=key.object_id,
            wanted=1,
            bulk=self._wanted.get(key, False),
            wanted_at=self._now,
            next_at=self._now,
        )
        if key not in self._wanted:
            self._connection.execute(row.on_conflict_do_nothing())
            return
        # A new wish is tried at once, whatever an older one failed with. A row that was done starts afresh
        # with this wish's urgency; one that still waits becomes urgent as soon as one wish is.
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[outbox.c.target, outbox.c.kind, outbox.c.object_id],
                set_={
                    "wanted": outbox.c.wanted + 1,
                    "wanted_at": sa.case(
                        (outbox.c.wanted > outbox.c.done, outbox.c.wanted_at), else_=row.excluded.wanted_at
                    ),
                    "bulk": sa.case(
                        (outbox.c.wanted > outbox.c.done, sa.and_(outbox.c.bulk, row.excluded.bulk)),
                        else_=row.excluded.bulk,
                    ),
                    "attempts": 0,
                    "next_at": row.excluded.next_at,
                    "error_class": None,
                    "error": None,
                    "parked_at": None,
                },
            )
        )
