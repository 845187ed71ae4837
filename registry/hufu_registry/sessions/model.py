"""Console sessions and the drafts of forms, both kept in PostgreSQL under random keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from hufu_registry.accounts.model import AccountPolicy
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.policy import setting
from hufu_registry.kernel.texts import Text


@dataclass(frozen=True)
class SessionPolicy(AccountPolicy):
    session_idle: timedelta = setting(timedelta(minutes=15), minimum=timedelta(minutes=5), maximum=timedelta(days=1))
    session_max: timedelta = setting(
        timedelta(hours=10), minimum=timedelta(minutes=5), maximum=timedelta(days=7), at_least="session_idle"
    )
    draft_lifetime: timedelta = setting(timedelta(hours=24), minimum=timedelta(hours=1), maximum=timedelta(days=30))


# Whoever has more drafts loses the oldest; so do strangers of one network, who have as many browsers as they like.
DRAFTS_OF_OWNER = 50
DRAFTS_OF_NETWORK = 2_000

# How exactly the last use is known: a page that only reads writes nothing, but for this once a minute.
TOUCHED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class ConsoleSession:
    """`key` is the keyed hash of the cookie's value; `keycloak_sid` is what back-channel logout names."""

    key: str
    account_id: AccountId
    keycloak_sid: str
    id_token_sealed: str
    started_at: datetime
    seen_at: datetime

    def is_live(self, now: datetime, policy: SessionPolicy) -> bool:
        return now < self.ends_at(policy)

    def ends_at(self, policy: SessionPolicy) -> datetime:
        """When it ends if nobody does anything."""
        return min(self.seen_at + policy.session_idle, self.started_at + policy.session_max)

    def is_untouched(self, now: datetime) -> bool:
        """Whether its last use, if it is now, is worth noting."""
        return now >= self.seen_at + TOUCHED_EVERY


# What somebody may call a filter, and so many he keeps of one list.
FILTER_NAME = Text(40, missing="required")
FILTERS_OF_LIST = 20


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """How somebody likes to see the list of this endpoint: `query` stands in its address, `words` are searched for. The
    one that `is_first` is what he sees when he opens the list.
    """

    id: UUID
    account_id: AccountId
    list_name: str
    name: str
    query: Mapping[str, str]
    words: str = ""
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed into the form at `page`, kept for its `owner` (an account or a browser); `network` is a
    stranger's.
    """

    id: UUID
    owner: str
    page: str
    fields: Mapping[str, str]
    kept_at: datetime
    network: str | None = None
