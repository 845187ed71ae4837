"""Times and dates as people in Taiwan read them."""

from __future__ import annotations

from datetime import UTC, date, datetime

from flask_babel import format_timedelta

from hufu_console.web.language import language
from hufu_registry.kernel.clock import TAIPEI, taipei_date

ROC_OFFSET = 1911


def moment(instant: datetime | None, *, seconds: bool = False) -> str:
    """115-11-21 14:05 in Taipei, in English 2026-11-21 14:05; empty for none."""
    if instant is None or language() == "en":
        return exact(instant, seconds=seconds)
    there = instant.astimezone(TAIPEI)
    return f"{there.year - ROC_OFFSET}-" + there.strftime("%m-%d %H:%M:%S" if seconds else "%m-%d %H:%M")


def shown_at() -> datetime:
    """When the page was made, for those who print it; also where the registry does not answer."""
    return datetime.now(UTC)


def exact(instant: datetime | None, *, seconds: bool = False) -> str:
    """2026-11-21 14:05 in Taipei, as technical records say it; empty for none."""
    if instant is None:
        return ""
    return instant.astimezone(TAIPEI).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def roc_date(day: date | datetime | None) -> str:
    """民國 115 年 11 月 21 日, in English 21 November 2026; empty for none."""
    if day is None:
        return ""
    if isinstance(day, datetime):
        day = taipei_date(day)
    if language() == "en":
        return f"{day.day} {day:%B %Y}"
    return f"民國 {day.year - ROC_OFFSET} 年 {day.month} 月 {day.day} 日"


def age(since: datetime, now: datetime) -> str:
    """3 分鐘, 2 hours: how long ago, in one unit."""
    return str(format_timedelta(now - since, threshold=1))
