"""The time, as an argument: UTC inside, Asia/Taipei at the edges."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

TAIPEI = ZoneInfo("Asia/Taipei")


class Clock(Protocol):
    def now(self) -> datetime: ...


def taipei_midnight(day: date) -> datetime:
    """The moment at which the day begins for an official in Taiwan."""
    return datetime.combine(day, time(), TAIPEI)


def taipei_date(moment: datetime) -> date:
    """The calendar day on which `moment` falls for an official in Taiwan."""
    return moment.astimezone(TAIPEI).date()
