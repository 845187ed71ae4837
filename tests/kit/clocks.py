"""A clock that stands where a test sets it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa


class SetClock:
    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime.now(UTC)

    def now(self) -> datetime:
        return self._now

    def within(self, connection: sa.Connection) -> datetime:
        """Asks the database as the real one does, so that what has to come before that shows here, too."""
        connection.execute(sa.select(sa.func.clock_timestamp()))
        return self._now

    def advance(self, **amount: float) -> None:
        self._now += timedelta(**amount)
