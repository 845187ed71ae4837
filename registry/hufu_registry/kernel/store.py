"""PostgreSQL: the metadata every feature's tables hang on, and the outbox table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Protocol, TypeVar, get_type_hints

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import Insert, insert

from hufu_registry.kernel.clock import Clock
from hufu_registry.kernel.mapping import from_rows
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import MOST_COUNTED, AtLeast, Page, Paged, Sort
from hufu_registry.kernel.texts import DOTS

T = TypeVar("T")

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = sa.MetaData(naming_convention=NAMING)

Moment = sa.DateTime(timezone=True)


class TransactionClock(Clock, Protocol):
    """A clock that an open transaction can ask without another connection."""

    def within(self, connection: sa.Connection) -> datetime: ...


class DatabaseClock:
    """PostgreSQL's clock: one time for all processes, so that a lease ends and a row is due for each at one moment."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(isolation_level="AUTOCOMMIT")

    def now(self) -> datetime:
        with self._engine.connect() as connection:
            return self.within(connection)

    def within(self, connection: sa.Connection) -> datetime:
        moment: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
        return moment.astimezone(UTC)


def among(values: Collection[Any], kind: Any) -> sa.ColumnElement[Any]:
    """For the right side of `==`: one of any number of values, as one parameter."""
    return sa.func.any(sa.literal(list(values), sa.ARRAY(kind)))


def text_columns(kind: type[Any], *, but: Collection[str] = ()) -> list[sa.Column[Any]]:
    """The columns of a dataclass's texts as `mapping.to_columns` writes them: empty unless given, or null where a field
    may be None; of a sealed one also the key that it is found by.
    """
    made: list[sa.Column[Any]] = []
    hints = get_type_hints(kind)
    for field in fields(kind):
        if field.name in but:
            continue
        if hints[field.name] not in (str, str | None):
            message = f"{kind.__name__}.{field.name} is no text: its column is to be written."
            raise TypeError(message)
        if field.metadata.get("sealed"):
            made += [_text(f"{field.name}_sealed"), sa.Column(f"{field.name}_key", sa.Text, index=True)]
        else:
            made.append(_text(field.name) if hints[field.name] is str else sa.Column(field.name, sa.Text))
    return made


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def ordered(sort: Sort | None, by: Mapping[str, Any], usual: Sequence[Any]) -> Sequence[Any]:
    """What a list is ordered by: the asked key if it is one of `by`, then as usual, so that no rows change places."""
    column = None if sort is None else by.get(sort.key)
    if sort is None or column is None:
        return usual
    return (column.desc().nulls_last() if sort.descending else column.asc().nulls_last(), *usual)


def sql_folded(text: str) -> str:
    """What `texts.folded` says of the text, by PostgreSQL: for what follows a column by itself."""
    dots = "".join(map(chr, DOTS))
    return f"translate(replace(lower(normalize({text}, NFKC)), 'ß', 'ss'), '台ς{dots}', '臺σ{'.' * len(dots)}')"


def counted(connection: sa.Connection, rows: sa.Select[Any]) -> int:
    """How many rows the query has; AtLeast(MOST_COUNTED) for more."""
    number: int = connection.execute(sa.select(sa.func.count()).select_from(capped(rows).subquery())).scalar_one()
    return as_counted(number)


def page_of(
    connection: sa.Connection, kind: type[T], rows: sa.Select[Any], page: Page, *, all_of: sa.Select[Any]
) -> Paged[T]:
    """The page of these rows, each read as a `kind`; `all_of` are the same, without what they only show."""
    total = counted(connection, all_of)
    return Paged(from_rows(kind, connection.execute(rows.limit(page.size).offset(page.offset))), total, page)


def capped(rows: sa.Select[Any]) -> sa.Select[Any]:
    """As many of the rows as are counted, and one more if there are more."""
    return rows.limit(MOST_COUNTED + 1)


def as_counted(number: int) -> int:
    """What a count of capped rows says."""
    return number if number <= MOST_COUNTED else AtLeast(MOST_COUNTED)


def inserted(table: sa.Table, rows: Sequence[Mapping[str, Any]]) -> Insert:
    """An insert of any number of rows, at least one and all with the same columns, as one statement of arrays."""
    columns = [table.c[name] for name in rows[0]]
    values = sa.func.unnest(
        *(sa.literal([row[column.name] for row in rows], sa.ARRAY(column.type)) for column in columns)
    )
    each = values.table_valued(*(sa.column(column.name, column.type) for column in columns)).render_derived()
    return insert(table).from_select(columns, sa.select(*(each.c[column.name] for column in columns)))


outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("target", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("applied_generation", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("bulk", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("applied_at", Moment),
    sa.Column("lease", sa.Uuid),
    sa.Column("leased_until", Moment),
    # Somebody set to work on it, and nothing was noted since: more of it may stand there than we know.
    sa.Column("in_flight", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_at", Moment),
    sa.Column("error_class", sa.Text),
    sa.Column("error", sa.Text),
    # Whose values the target does not take, where it said so; of the error beside it alone.
    sa.Column("error_fields", sa.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("parked_at", Moment),
    sa.CheckConstraint("applied_generation <= generation", name="applied_not_ahead"),
    sa.Index(
        "ix_outbox_due",
        "target",
        "bulk",
        "next_at",
        "object_id",
        postgresql_where=sa.text("generation > applied_generation"),
    ),
    sa.Index("ix_outbox_applied_at", "target", "applied_at"),
)


def pending(row: sa.FromClause = outbox) -> sa.ColumnElement[bool]:
    """Whether the outbox's row (or that of an alias of it) has something left to do."""
    return row.c.generation > row.c.applied_generation


# What pending work can be; a row is in exactly one of these states.
PENDING_STATES: Mapping[str, sa.ColumnElement[bool]] = {
    "parked": outbox.c.parked_at.is_not(None),
    "retrying": sa.and_(outbox.c.parked_at.is_(None), outbox.c.error_class.is_not(None)),
    "waiting": sa.and_(outbox.c.parked_at.is_(None), outbox.c.error_class.is_(None)),
}
# Each state is counted by its own rows, so that a million that wait do not hide that none is parked.
for _state, _such in PENDING_STATES.items():
    sa.Index(f"ix_outbox_{_state}", outbox.c.target, outbox.c.requested_at, postgresql_where=sa.and_(pending(), _such))

# So many rows at once change what PostgreSQL should think of the queue.
MANY = 500
_KEY = (outbox.c.target, outbox.c.kind, outbox.c.object_id)


class SqlOutbox:
    """Collects what a transaction wants and writes it, in key order, when the unit of work commits."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._enqueued: dict[OutboxKey, bool] = {}
        self._not_before: dict[OutboxKey, datetime] = {}
        self._ensured: set[OutboxKey] = set()

    def enqueue(self, key: OutboxKey, *, bulk: bool = False, not_before: datetime | None = None) -> None:
        self._enqueued[key] = self._enqueued.get(key, True) and bulk
        if not_before is not None:
            self._not_before[key] = not_before

    def ensure(self, key: OutboxKey) -> None:
        self._ensured.add(key)

    def flush(self) -> Mapping[OutboxKey, int]:
        """Write the rows; those that were wanted, or made, with the number that is now wanted of each."""
        written: dict[OutboxKey, int] = {}
        # Two kinds of statement, but one order of all keys: in two goes, two transactions would wait for each other.
        for is_wish, keys in groupby(sorted(self._enqueued.keys() | self._ensured), key=self._enqueued.__contains__):
            rows = self._rows(list(keys))
            statement = _raised(rows) if is_wish else rows.on_conflict_do_nothing()
            for row in self._connection.execute(statement.returning(*_KEY, outbox.c.generation)):
                written[OutboxKey(Target(row.target), Kind(row.kind), row.object_id)] = row.generation
        if len(written) >= MANY:
            # PostgreSQL looks by itself within minutes; until then it would read the whole queue for each claim.
            self._connection.execute(sa.text("ANALYZE outbox"))
        return written

    def _rows(self, keys: Sequence[OutboxKey]) -> Insert:
        """In the order of the keys, however many there are."""
        now = {"generation": 1, "requested_at": self._now}
        return inserted(
            outbox,
            [
                {
                    "target": key.target.value,
                    "kind": key.kind.value,
                    "object_id": key.object_id,
                    "bulk": self._enqueued.get(key, False),
                    "next_at": self._not_before.get(key, self._now),
                    **now,
                }
                for key in keys
            ],
        )


def _raised(rows: Insert) -> Insert:
    """A new wish is tried at once, whatever an older one failed with.

    A row that was done starts afresh with this wish's urgency; one that still waits becomes urgent as soon as one
    wish is.
    """
    return rows.on_conflict_do_update(
        index_elements=_KEY,
        set_={
            "generation": outbox.c.generation + 1,
            # Since when it waits: from the first wish of those that are not done.
            "requested_at": sa.case((pending(), outbox.c.requested_at), else_=rows.excluded.requested_at),
            "bulk": sa.case((pending(), sa.and_(outbox.c.bulk, rows.excluded.bulk)), else_=rows.excluded.bulk),
            "attempts": 0,
            "next_at": rows.excluded.next_at,
            "error_class": None,
            "error": None,
            "parked_at": None,
        },
    )
