"""Starting, finding and ending console sessions; keeping what was typed when one ends too early."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol
from uuid import UUID

import hufu_registry.accounts.use_cases as accounts
from hufu_registry.accounts.model import AccountState
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Denied
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.work import Services
from hufu_registry.sessions.model import ConsoleSession, Draft, SessionPolicy


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

    def forget(self, draft_id: UUID, owner: str) -> None: ...
    def forget_before(self, moment: datetime) -> None: ...


class Work(accounts.Work, Protocol):
    @property
    def policy(self) -> SessionPolicy: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def drafts(self) -> Drafts: ...


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


def end_session(token: str, services: Services[Work], actor: Actor) -> None:
    with services.begin(actor) as work:
        work.sessions.end(session_key(services, token))


def end_sessions_of_sid(keycloak_sid: str, services: Services[Work], actor: Actor) -> int:
    """Back-channel logout: end what Keycloak's session started."""
    with services.begin(actor) as work:
        return work.sessions.end_by_sid(keycloak_sid)


def keep_draft(owner: str, page: str, fields: Mapping[str, str], services: Services[Work], actor: Actor) -> UUID:
    """Keep what was typed; returns the random key that may stand in a URL."""
    draft_id = services.ids.new()
    with services.begin(actor) as work:
        work.drafts.keep(Draft(draft_id, services.keys.index("draft_owner", owner), page, fields, work.now))
    return draft_id


def take_draft(draft_id: UUID, owner: str, services: Services[Work], work: Work) -> Draft | None:
    """Read inside somebody else's transaction."""
    return work.drafts.take(draft_id, services.keys.index("draft_owner", owner))


def forget_draft(draft_id: UUID, owner: str, services: Services[Work], actor: Actor) -> None:
    with services.begin(actor) as work:
        work.drafts.forget(draft_id, services.keys.index("draft_owner", owner))


def forget_old(services: Services[Work], actor: Actor) -> None:
    """Clear ended sessions and old drafts; the scheduler's work."""
    with services.begin(actor) as work:
        work.sessions.forget_before(work.now - work.policy.session_max)
        work.drafts.forget_before(work.now - work.policy.draft_lifetime)
