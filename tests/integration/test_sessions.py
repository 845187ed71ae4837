"""Console sessions and drafts, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountMove
from hufu_registry.accounts.use_cases import move_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.errors import Denied
from hufu_registry.kernel.ids import AccountId
from hufu_registry.sessions.model import ConsoleSession, Draft
from hufu_registry.sessions.use_cases import (
    end_session,
    end_sessions_of_sid,
    forget_draft,
    forget_old,
    keep_alive,
    keep_draft,
    live_session,
    start_session,
    take_draft,
)
from tests.kit.accounts import official
from tests.kit.clocks import SetClock


def seen(token: str, services: SqlServices) -> ConsoleSession | None:
    """As a page looks for it, with a person at it."""
    with services.reading() as work:
        session = live_session(token, services, work)
    if session is not None:
        keep_alive(session, services, SYSTEM)
    return session


def draft_of(key: UUID, owner: str, services: SqlServices) -> Draft | None:
    with services.reading() as work:
        return take_draft(key, owner, services, work)


@pytest.fixture
def account_id(services: SqlServices, chain: Sequence[Agency]) -> AccountId:
    return official(services, chain[-1], "linmanager", name="林經理", title="科長").id


def test_a_session_lives_while_it_is_used_and_ends_after_fifteen_idle_minutes(
    services: SqlServices, clock: SetClock, account_id: AccountId
) -> None:
    start_session("token", account_id, "sid", "id token", services, SYSTEM)
    for _ in range(3):
        clock.advance(minutes=14)
        assert seen("token", services) is not None
    clock.advance(minutes=15)
    assert seen("token", services) is None


def test_a_session_ends_after_ten_hours_however_busy(
    services: SqlServices, clock: SetClock, account_id: AccountId
) -> None:
    start_session("token", account_id, "sid", "id token", services, SYSTEM)
    for _ in range(60):
        clock.advance(minutes=10)
        seen("token", services)
    assert seen("token", services) is None


def test_neither_cookie_nor_id_token_stand_readable_in_the_database(
    services: SqlServices, account_id: AccountId
) -> None:
    start_session("the cookie's value", account_id, "sid", "the id token", services, SYSTEM)
    with services.read() as connection:
        dump = str(connection.execute(sa.text("SELECT * FROM console_sessions")).all())
    assert "the cookie's value" not in dump
    assert "the id token" not in dump


def test_keycloaks_logout_ends_every_session_it_started_and_no_other(
    services: SqlServices, account_id: AccountId
) -> None:
    start_session("one", account_id, "sid 1", "t", services, SYSTEM)
    start_session("two", account_id, "sid 1", "t", services, SYSTEM)
    start_session("three", account_id, "sid 2", "t", services, SYSTEM)
    assert end_sessions_of_sid("sid 1", services, SYSTEM) == 2
    assert end_sessions_of_sid("sid 1", services, SYSTEM) == 0
    assert seen("one", services) is None
    assert seen("three", services) is not None
    end_session("three", services, SYSTEM)
    assert seen("three", services) is None


def test_a_disabled_account_gets_no_session(services: SqlServices, account_id: AccountId) -> None:
    with services.begin(SYSTEM) as work:
        move_account(work, work.accounts.get(account_id), AccountMove.DISABLE, reason="離職")
    with pytest.raises(Denied, match="account_not_enabled"):
        start_session("token", account_id, "sid", "t", services, SYSTEM)


def test_a_draft_is_its_owners_only_and_is_kept_unreadable(services: SqlServices, clock: SetClock) -> None:
    key = keep_draft("browser a", "/apply/form", {"name": "王小明"}, services, SYSTEM)
    assert draft_of(key, "browser b", services) is None
    draft = draft_of(key, "browser a", services)
    assert draft is not None
    assert draft.fields == {"name": "王小明"}
    with services.read() as connection:
        assert "王小明" not in str(connection.execute(sa.text("SELECT * FROM drafts")).all())
    forget_draft(key, "browser b", services, SYSTEM)
    assert draft_of(key, "browser a", services) is not None
    clock.advance(hours=25)
    forget_old(services, SYSTEM)
    assert draft_of(key, "browser a", services) is None


def test_sessions_are_bounded_by_policy_not_by_code(services: SqlServices, account_id: AccountId) -> None:
    start_session("token", account_id, "sid", "t", services, SYSTEM)
    strict = replace(services, policy=replace(services.policy, session_idle=services.policy.session_idle * 0))
    assert seen("token", strict) is None
