"""How far the lists of events and of changes, which the targets keep, are read."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import ChangeCursor
from hufu_registry.sync.store.tables import change_cursors, feed_cursors


class SqlCursors:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def feed(self, feed: str) -> datetime | None:
        """Never later than now: a clock that was wrong for a moment must not silence the feed until then."""
        at = self._connection.execute(
            sa.select(feed_cursors.c.at).where(feed_cursors.c.feed == feed)
        ).scalar_one_or_none()
        return None if at is None else min(at, self._now)

    def move_feed(self, feed: str, moment: datetime) -> None:
        row = insert(feed_cursors).values(feed=feed, at=min(moment, self._now))
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[feed_cursors.c.feed],
                set_={"at": row.excluded.at},
                where=sa.or_(feed_cursors.c.at < row.excluded.at, feed_cursors.c.at > self._now),
            )
        )

    def changes(self, target: Target) -> ChangeCursor | None:
        row = self._connection.execute(
            sa.select(change_cursors).where(change_cursors.c.target == target.value)
        ).one_or_none()
        return None if row is None else ChangeCursor(row.server, row.position)

    def move_changes(self, target: Target, cursor: ChangeCursor) -> None:
        row = insert(change_cursors).values(
            target=target.value, server=cursor.server, position=cursor.position, at=self._now
        )
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=["target"],
                set_={name: row.excluded[name] for name in ("server", "position", "at")},
            )
        )
