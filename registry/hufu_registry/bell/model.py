"""What is new for somebody: an entry says which notice it is and of which object, and keeps nothing else of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.policy import Policy, setting

# More than so many unread ones nobody counts.
MOST_UNREAD = 99


@dataclass(frozen=True)
class BellPolicy(Policy):
    bell_lifetime: timedelta = setting(timedelta(days=90), minimum=timedelta(days=1), maximum=timedelta(days=731))


@dataclass(frozen=True, slots=True)
class BellEntry:
    """`notice` is the name of its type; `page`, `object_id` and `mark` are what the type says of it in `Bell`."""

    id: UUID
    account_id: AccountId
    notice: str
    page: str
    object_id: str
    mark: str
    told_at: datetime
    read_at: datetime | None = None
