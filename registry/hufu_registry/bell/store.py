"""The table of what is new for whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.bell.model import MOST_UNREAD, BellEntry
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.mapping import from_columns, to_columns
from hufu_registry.kernel.paging import Page, Paged
from hufu_registry.kernel.store import Moment, metadata, page_of

# Without a foreign key: it would lock the account of whoever is told, whom no act's order of locks knows.
bell_entries = sa.Table(
    "bell_entries",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("page", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("told_at", Moment, nullable=False, index=True),
    sa.Column("read_at", Moment),
    sa.Index("ix_bell_entries_account_id", "account_id", "told_at"),
    sa.Index("ix_bell_entries_unread", "account_id", postgresql_where=sa.text("read_at IS NULL")),
    sa.Index("ix_bell_entries_unread_of", "object_id", "notice", postgresql_where=sa.text("read_at IS NULL")),
)

UNREAD = bell_entries.c.read_at.is_(None)


class SqlBell:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def ring(self, entry: BellEntry) -> None:
        self._connection.execute(sa.insert(bell_entries).values(to_columns(entry)))

    def find(self, entry_id: UUID) -> BellEntry | None:
        row = self._connection.execute(sa.select(bell_entries).where(bell_entries.c.id == entry_id)).one_or_none()
        return None if row is None else from_columns(BellEntry, row._asdict())

    def mark_read(self, account_id: AccountId, entry_id: UUID | None = None) -> None:
        one = [] if entry_id is None else [bell_entries.c.id == entry_id]
        self._read(bell_entries.c.account_id == account_id, *one)

    def settle(self, notice: str, object_id: str) -> None:
        self._read(bell_entries.c.object_id == object_id, bell_entries.c.notice == notice)

    def _read(self, *which: sa.ColumnElement[bool]) -> None:
        # Whatever somebody else is reading or settling just now is read by him; so nobody waits for anybody.
        mine = sa.select(bell_entries.c.id).where(UNREAD, *which).with_for_update(skip_locked=True)
        self._connection.execute(sa.update(bell_entries).where(bell_entries.c.id.in_(mine)).values(read_at=self._now))

    def forget_before(self, moment: datetime) -> None:
        self._connection.execute(sa.delete(bell_entries).where(bell_entries.c.told_at < moment))


def unread(connection: sa.Connection, account_id: AccountId) -> int:
    """How many are new for him, counted to one more than MOST_UNREAD."""
    new = sa.select(sa.literal(1)).where(bell_entries.c.account_id == account_id, UNREAD).limit(MOST_UNREAD + 1)
    number: int = connection.execute(sa.select(sa.func.count()).select_from(new.subquery())).scalar_one()
    return number


def entries_of(connection: sa.Connection, account_id: AccountId, page: Page, *, only_unread: bool) -> Paged[BellEntry]:
    """What he was told, the newest first."""
    conditions: Sequence[Any] = [bell_entries.c.account_id == account_id, *([UNREAD] if only_unread else [])]
    rows = sa.select(bell_entries).where(*conditions)
    ordered = rows.order_by(bell_entries.c.told_at.desc(), bell_entries.c.id)
    return page_of(connection, BellEntry, ordered, page, all_of=sa.select(bell_entries.c.id).where(*conditions))
