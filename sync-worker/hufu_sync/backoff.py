"""How long to wait before the next try."""

from __future__ import annotations

from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=15)


def pause(attempts: int, dice: float) -> timedelta:
    """After `attempts` failures; doubles each time, never above 15 minutes. `dice` in [0, 1) spreads the crowd."""
    doubled: timedelta = FIRST * int(2 ** min(attempts, 12))
    return min(doubled * (0.75 + dice / 2), LONGEST)
