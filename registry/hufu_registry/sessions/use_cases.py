"""Starting, finding and ending console sessions; keeping what was typed when one ends too early, and how somebody likes
to see a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

import hufu_registry.accounts.use_cases as accounts
from hufu_registry.accounts.model import AccountState
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict, Denied, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.work import Services
from hufu_registry.people.use_cases import browser_key, network_key
from hufu_registry.sessions.model import (
    DRAFTS_OF_NETWORK,
    DRAFTS_OF_OWNER,
    FILTER_NAME,
    FILTERS_OF_LIST,
    ConsoleSession,
    Draft,
    SavedFilter,
    SessionPolicy,
)


class Sessions(Protocol):
    def add(self, session: ConsoleSession) -> None: ...
    def find(self, key: str) -> ConsoleSession | None: ...
    def touch(self, key: str, now: datetime) -> None: ...
    def end(self, key: str) -> None: ...
    def end_by_sid(self, keycloak_sid: str) -> int:
        """End those that Keycloak's session started; how many there were."""

    def forget_before(self, moment: datetime) -> None: ...


class Drafts(Protocol):
    def keep(self, draft: Draft) -> None: ...
    def take(self, draft_id: UUID, owner: str) -> Draft | None:
        """The draft, if it is this owner's; it stays until it is forgotten."""

    def make_room(self, owner: str, most_of_owner: int, network: str | None, most_of_network: int) -> None:
        """Delete the oldest of whoever has more."""

    def hand_over(self, owner: str, to: str) -> None: ...
    def forget(self, draft_id: UUID, owner: str) -> None: ...
    def forget_before(self, moment: datetime) -> None: ...


class SavedFilters(Protocol):
    def of(self, account_id: AccountId, list_name: str) -> Sequence[SavedFilter]:
        """Somebody's of one list, the oldest first."""

    def find(self, filter_id: UUID, account_id: AccountId) -> SavedFilter | None:
        """None, too, for somebody else's."""

    def add(self, saved: SavedFilter) -> None: ...
    def put_first(self, saved: SavedFilter, *, first: bool) -> None:
        """The list opens with it, or with none."""

    def forget(self, filter_id: UUID) -> None: ...
    def forget_of_deleted(self) -> None:
        """Those of accounts that are no more."""


class Work(accounts.Work, Protocol):
    @property
    def policy(self) -> SessionPolicy: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def drafts(self) -> Drafts: ...
    @property
    def saved_filters(self) -> SavedFilters: ...


@dataclass(frozen=True, slots=True)
class ChangeBrowser:
    """The random values of a browser's cookie, and as whose they keep drafts."""

    old: str
    new: str
    old_owner: str
    new_owner: str


@dataclass(frozen=True, slots=True)
class SaveFilter:
    list_name: str
    name: str
    query: Mapping[str, str]
    words: str = ""


def session_key(services: Services[Work], token: str) -> str:
    return services.keys.index("console_session", token)


def start_session(
    token: str,
    account_id: AccountId,
    keycloak_sid: str,
    id_token: str,
    services: Services[Work],
    actor: Actor,
) -> None:
    """Remember a sign-in under the cookie's `token`. Raises Denied("account_not_enabled")."""
    with services.begin(actor) as work:
        account = work.accounts.find(account_id)
        if account is None or account.state in {AccountState.DISABLED, AccountState.DELETED}:
            raise Denied("account_not_enabled")
        work.sessions.add(
            ConsoleSession(
                key=session_key(services, token),
                account_id=account_id,
                keycloak_sid=keycloak_sid,
                id_token_sealed=services.keys.seal("id_token", id_token),
                started_at=work.now,
                seen_at=work.now,
            )
        )


def live_session(token: str, services: Services[Work], work: Work) -> ConsoleSession | None:
    """The session of this cookie, if it is still good; read inside somebody else's transaction."""
    session = work.sessions.find(session_key(services, token))
    return session if session is not None and session.is_live(work.now, work.policy) else None


def keep_alive(session: ConsoleSession, services: Services[Work], actor: Actor) -> None:
    """It was used just now, by a person and not by a page that asks by itself."""
    with services.begin(actor) as work:
        work.sessions.touch(session.key, work.now)


def extend_session(token: str, services: Services[Work], actor: Actor) -> datetime | None:
    """Somebody wants to go on; when it ends now, or None where it has ended."""
    with services.begin(actor) as work:
        session = live_session(token, services, work)
        if session is None:
            return None
        work.sessions.touch(session.key, work.now)
        return replace(session, seen_at=work.now).ends_at(work.policy)


def end_session(token: str, services: Services[Work], actor: Actor) -> None:
    with services.begin(actor) as work:
        work.sessions.end(session_key(services, token))


def end_sessions_of_sid(keycloak_sid: str, services: Services[Work], actor: Actor) -> int:
    """Back-channel logout: end what Keycloak's session started."""
    with services.begin(actor) as work:
        return work.sessions.end_by_sid(keycloak_sid)


def keep_draft(owner: str, page: str, fields: Mapping[str, str], services: Services[Work], actor: Actor) -> UUID:
    """Keep what was typed; returns the random key that may stand in a URL. The oldest make room for it."""
    draft_id = services.ids.new()
    key = draft_owner(services, owner)
    network = network_key(services, actor)
    with services.begin(actor) as work:
        work.drafts.keep(Draft(draft_id, key, page, fields, work.now, network))
        work.drafts.make_room(key, DRAFTS_OF_OWNER, network, DRAFTS_OF_NETWORK)
    return draft_id


def draft_owner(services: Services[Work], owner: str) -> str:
    return services.keys.index("draft_owner", owner)


def change_browser(browser: ChangeBrowser, services: Services[Work], actor: Actor) -> None:
    """What a browser proved and kept goes along to its new value; whoever knew the old one has nothing of it."""
    with services.begin(actor) as work:
        work.mailboxes.change_browser(browser_key(services, browser.old), browser_key(services, browser.new))
        work.drafts.hand_over(draft_owner(services, browser.old_owner), draft_owner(services, browser.new_owner))


def take_draft(draft_id: UUID, owner: str, services: Services[Work], work: Work) -> Draft | None:
    """Read inside somebody else's transaction."""
    return work.drafts.take(draft_id, draft_owner(services, owner))


def forget_draft(draft_id: UUID, owner: str, services: Services[Work], actor: Actor) -> None:
    with services.begin(actor) as work:
        work.drafts.forget(draft_id, draft_owner(services, owner))


def save_filter(command: SaveFilter, services: Services[Work], actor: Actor) -> SavedFilter:
    """In place of the one of that name, if any. Raises Invalid on the field "name", Conflict("filters_many")."""
    name = FILTER_NAME.checked(command.name, "name")
    with services.begin(actor) as work:
        account_id = lock_own_filters(work, actor)
        own = work.saved_filters.of(account_id, command.list_name)
        before = next((saved for saved in own if saved.name == name), None)
        if before is not None:
            work.saved_filters.forget(before.id)
        elif len(own) >= FILTERS_OF_LIST:
            raise Conflict("filters_many", most=FILTERS_OF_LIST)
        is_first = before is not None and before.is_first
        saved = SavedFilter(
            services.ids.new(), account_id, command.list_name, name, command.query, command.words, is_first
        )
        work.saved_filters.add(saved)
    return saved


def put_filter_first(filter_id: UUID, *, first: bool, services: Services[Work], actor: Actor) -> SavedFilter:
    """The list opens with it from now on, or no longer. Raises NotFound("saved_filter") for somebody else's."""
    with services.begin(actor) as work:
        lock_own_filters(work, actor)
        saved = own_filter(filter_id, work, actor)
        work.saved_filters.put_first(saved, first=first)
    return saved


def forget_filter(filter_id: UUID, services: Services[Work], actor: Actor) -> SavedFilter:
    """Raises NotFound("saved_filter") for somebody else's."""
    with services.begin(actor) as work:
        saved = own_filter(filter_id, work, actor)
        work.saved_filters.forget(saved.id)
    return saved


def lock_own_filters(work: Work, actor: Actor) -> AccountId:
    """Somebody's two windows wait for each other: they would name two alike, or both open the list."""
    return work.accounts.get(account_of(actor), lock=True).id


def own_filter(filter_id: UUID, work: Work, actor: Actor) -> SavedFilter:
    saved = work.saved_filters.find(filter_id, account_of(actor))
    if saved is None:
        raise NotFound("saved_filter")
    return saved


def account_of(actor: Actor) -> AccountId:
    """Raises Denied("right_missing") for whoever is no account."""
    if actor.account_id is None:
        raise Denied("right_missing")
    return actor.account_id


def forget_old(services: Services[Work], actor: Actor) -> None:
    """Clear ended sessions and old drafts; the scheduler's work."""
    with services.begin(actor) as work:
        work.sessions.forget_before(work.now - work.policy.session_max)
        work.drafts.forget_before(work.now - work.policy.draft_lifetime)
        work.saved_filters.forget_of_deleted()
