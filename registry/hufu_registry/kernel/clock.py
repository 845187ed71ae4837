"""The time, as an argument: UTC inside, Asia/Taipei at the edges."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def taipei_date(moment: datetime) -> date:
    """The calendar day on which `moment` falls for an official in Taiwan."""
    return moment.astimezone(TAIPEI).date()
