"""What is new for whom: what a mail tells an account stands in its bell, until it is read or dealt with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from hufu_console.urls import features
from hufu_registry.accounts.use_cases import reset_otp, suspend_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bell.store import unread
from hufu_registry.bell.use_cases import forget_old_entries
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.use_cases import Reject, Withdraw, reject, withdraw
from hufu_registry.features import FEATURES
from hufu_registry.guard.use_cases import cancel, submit
from hufu_registry.kernel.actor import SYSTEM, Actor, account_actor
from hufu_registry.kernel.ids import AccountId
from tests.kit.cases import APPLICANT, Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console
from tests.kit.guard import held_change_in, rename_of
from tests.kit.staff import Staff


@pytest.fixture
def desk(services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path) -> Desk:
    return Desk(services, chain, clock, make_console(services, tmp_path))


def new_for(services: SqlServices, account_id: AccountId | None) -> int:
    assert account_id is not None
    with services.read() as connection:
        return unread(connection, account_id)


def test_a_case_that_came_in_is_new_for_those_who_decide_until_it_is_opened(desk: Desk) -> None:
    manager, other = desk.manager(desk.bureau), desk.manager(desk.bureau, "陳經理")
    case_id = desk.apply_at(desk.bureau)
    number = desk.case(case_id).number
    page = desk.browser(manager).get("/notifications").text
    assert "待審案件通知" in page
    assert str(number) in page
    assert '<span class="hf-count">1<span class="visually-hidden">則未讀</span></span>' in page
    assert "王小明" not in page
    (opening,) = re.findall(r'action="/notifications/([0-9a-f-]{36})"', page)
    assert desk.browser(other).post(f"/notifications/{opening}").status_code == 404
    assert desk.browser(manager).post(f"/notifications/{opening}").location == f"/cases/{case_id}"
    assert [new_for(desk.services, who) for who in (manager, other)] == [0, 1]
    assert "1 則通知" in desk.browser(manager).get("/notifications").text
    assert "您已經全部讀過" in desk.browser(manager).get("/notifications?show=unread").text


@pytest.mark.parametrize("end", ["approve", "reject", "withdraw"])
def test_a_case_that_is_decided_or_withdrawn_is_new_for_nobody(desk: Desk, end: str) -> None:
    manager, other = desk.manager(desk.bureau), desk.manager(desk.bureau, "陳經理")
    case_id = desk.apply(mailbox="wang@example.org")
    if end == "approve":
        desk.approve(manager, case_id)
    elif end == "reject":
        reject(Reject(case_id, 1, "電話有誤"), desk.services, account_actor(manager))
    else:
        withdraw(Withdraw(desk.follow("wang@example.org"), case_id), desk.services, APPLICANT)
    assert [new_for(desk.services, who) for who in (manager, other)] == [0, 0]


def test_an_official_is_told_of_the_decision_and_of_a_new_one_time_password(desk: Desk) -> None:
    account_id = desk.approve(desk.manager(desk.bureau), desk.apply())
    assert new_for(desk.services, account_id) == 1
    person, manager = desk.official(desk.bureau, "李大同"), desk.manager(desk.bureau)
    reset_otp(person, desk.services, account_actor(manager))
    page = desk.browser(person).get("/notifications").text
    assert "重設一次性密碼通知" in page
    assert desk.browser(person).post("/notifications/read").location == "/notifications"
    assert new_for(desk.services, person) == 0


def test_a_suspension_is_new_for_the_managers_above(desk: Desk) -> None:
    above = desk.manager(desk.ministry, with_subordinates=True)
    manager = desk.manager(desk.bureau, "陳經理", with_subordinates=True)
    suspend_account(desk.official(desk.bureau), desk.services, account_actor(manager), reason="外洩")
    assert [new_for(desk.services, who) for who in (above, manager)] == [1, 0]


def test_a_change_on_hold_is_new_for_who_may_release_it_but_not_for_who_asked(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    asker, other = managers
    staff.hire(chain[3], 101)
    held = held_change_in(services, submit(rename_of(chain[3], staff), services, asker))
    assert [new_for(services, who.account_id) for who in managers] == [0, 1]
    cancel(held.id, held.version, services, other, "不需要")
    assert new_for(services, other.account_id) == 0


def test_what_was_told_long_ago_is_forgotten(desk: Desk, clock: SetClock) -> None:
    manager = desk.manager(desk.bureau)
    desk.apply_at(desk.bureau)
    clock.advance(days=89)
    forget_old_entries(desk.services, SYSTEM)
    assert new_for(desk.services, manager) == 1
    clock.advance(days=2)
    forget_old_entries(desk.services, SYSTEM)
    assert new_for(desk.services, manager) == 0


def test_every_notice_with_a_bell_leads_to_a_page_and_says_nothing_of_people() -> None:
    pages = {kind for feature in features(gallery=False) for kind in feature.bell}
    bells = [(notice, notice.bell) for feature in FEATURES for notice in feature.notices if notice.bell]
    assert {bell.page for _notice, bell in bells} == pages
    for notice, bell in bells:
        assert {name for name in (bell.object_id, bell.mark) if name} <= notice.sample.keys()
        assert bell.mark in ("", "number", "agency")
