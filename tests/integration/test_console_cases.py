"""The reviewers' pages over HTTP, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountMove
from hufu_registry.accounts.use_cases import move_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.cases.use_cases import ChangeCase, change_case, report_collision
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.store import outbox
from hufu_registry.rights.use_cases import appoint_manager
from tests.kit.accounts import official_domains
from tests.kit.cases import APPLICANT, Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code, make_console


@pytest.fixture
def desk(services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path) -> Desk:
    official_domains(services, chain[0], "gov.tw")
    return Desk(services, chain, clock, make_console(services, tmp_path))


def test_nobody_sees_a_case_without_signing_in(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    answer = desk.app.test_client().get(f"/cases/{case_id}")
    assert answer.status_code == 303
    assert answer.location == f"/sign-in?next=/cases/{case_id}"


@pytest.mark.requirement("S1-086")
def test_a_manager_approves_from_the_queue(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    assert f'href="/cases/{case_id}"' in manager.get("/cases").text
    page = manager.get(f"/cases/{case_id}").text
    for shown in ("王小明", "0912345678", "02-81234567", "新進人員", "核准這件申請", "送出申請"):
        assert shown in page
    answer = manager.post(f"/cases/{case_id}/approve", data={"version": "1", "official_mail": "wang@agency.gov.tw"})
    assert answer.status_code == 303
    assert desk.state(case_id) is CaseState.APPROVED
    assert "陳經理" in manager.get(f"/cases/{case_id}").text


@pytest.mark.parametrize("mailbox", ["nana@gmail.com", "wang@notgov.tw", "wang"])
def test_a_private_address_is_not_published_as_the_official_mailbox(desk: Desk, mailbox: str) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    answer = manager.post(f"/cases/{case_id}/approve", data={"version": "1", "official_mail": mailbox})
    assert answer.status_code == 422
    assert mailbox in answer.text
    assert desk.state(case_id) is CaseState.PENDING


def test_a_rejection_needs_a_reason(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    refused = manager.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": " "})
    assert refused.status_code == 422
    assert desk.state(case_id) is CaseState.PENDING
    manager.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": "請補職稱"})
    assert "請補職稱" in manager.get(f"/cases/{case_id}").text


@pytest.mark.parametrize("language", ["zh_Hant_TW", "en"])
def test_of_two_managers_one_decides_and_the_other_reads_who(desk: Desk, language: str) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    first = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    second = desk.browser(desk.manager(desk.agencies[2], "林經理"), language)
    assert first.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 303
    late = second.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": "不符"})
    assert late.status_code == 409
    assert "陳經理" in late.text
    assert ("已於" if language == "zh_Hant_TW" else "decided this case at") in late.text
    assert desk.state(case_id) is CaseState.APPROVED


def test_a_case_that_is_not_ones_to_decide_is_404_by_every_route(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    desk.manager(desk.agencies[2], "陳經理")
    stranger = desk.browser(desk.manager(desk.agencies[3], "隊經理"))
    plain = desk.browser(desk.official(desk.agencies[2], "一般人員"))
    for browser in (stranger, plain):
        assert browser.get(f"/cases/{case_id}").status_code == 404
        assert browser.get(f"/cases/{case_id}/reject").status_code == 404
        assert browser.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 404
        assert browser.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": "x"}).status_code == 404
        assert str(case_id) not in browser.get("/cases?state=all").text
    assert desk.state(case_id) is CaseState.PENDING


def test_a_name_that_is_somebody_elses_is_told_to_both_and_changed_by_the_applicant(desk: Desk) -> None:
    asked = "已寄信請申請人改用其他帳號名稱"
    case_id = desk.apply(desk.form(account_name="wangxm"), mailbox="p@example.org")
    manager_id = desk.manager(desk.agencies[2], "陳經理")
    manager = desk.browser(manager_id)
    assert asked not in manager.get(f"/cases/{case_id}").text
    report_collision(desk.approve(manager_id, case_id), desk.services, SYSTEM)
    assert asked in manager.get(f"/cases/{case_id}").text
    applicant = desk.app.test_client()
    desk.clock.advance(seconds=61)
    applicant.post("/follow", data={"mailbox": "p@example.org"})
    assert applicant.post("/follow/code", data={"code": last_code(desk.services)}).location == "/follow/case"
    page = applicant.get("/follow/case").text
    assert "帳號名稱已屬於他人" in page
    assert 'action="/follow/name"' in page
    assert "/follow/change" not in page
    refused = applicant.post("/follow/name", data={"account_name": "administrator"})
    assert refused.status_code == 422
    assert 'value="administrator"' in refused.text
    assert applicant.post("/follow/name", data={"account_name": "wangxm2"}).location == "/follow/case"
    assert "wangxm2" in applicant.get("/follow/case").text
    assert asked not in manager.get(f"/cases/{case_id}").text


def test_nobody_decides_his_own_case(desk: Desk) -> None:
    manager = desk.official(desk.agencies[2], "陳經理", mobile="0912345678")
    appoint_manager(manager, desk.agencies[2].id, desk.services, OPERATOR)
    case_id = desk.apply_at(desk.agencies[2], mobile="0912345678")
    browser = desk.browser(manager)
    assert "這是您自己的申請" in browser.get(f"/cases/{case_id}").text
    assert browser.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 403
    assert desk.state(case_id) is CaseState.PENDING


def test_who_might_be_the_same_person_is_shown_with_what_differs(desk: Desk) -> None:
    desk.official(desk.agencies[2], "王小明", mobile="0912000000")
    case_id = desk.apply_at(desk.agencies[2])
    page = desk.browser(desk.manager(desk.agencies[2], "陳經理")).get(f"/cases/{case_id}").text
    assert "可能是同一人" in page
    assert "0912000000" in page
    assert page.count("不同") >= 2


def test_a_change_by_the_applicant_stops_an_approval_of_what_was_seen(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    late = manager.post(f"/cases/{case_id}/approve", data={"version": "7"})
    assert late.status_code == 409
    assert "申請人於" in late.text
    assert desk.state(case_id) is CaseState.PENDING


def test_what_the_applicant_changed_is_told_in_words(desk: Desk) -> None:
    form = desk.form(wants_official_mail=False)
    case_id = desk.apply(form, mailbox="p@example.org")
    changed = replace(form, wants_official_mail=True, reason="調任")
    change_case(ChangeCase(desk.follow("p@example.org"), case_id, 1, changed), desk.services, APPLICANT)
    page = desk.browser(desk.manager(desk.agencies[2])).get(f"/cases/{case_id}").text
    assert "不需要 → 需要" in page
    assert f"{form.reason} → 調任" in page
    assert "True" not in page


def test_what_is_searched_for_stands_in_no_address(desk: Desk) -> None:
    desk.apply_at(desk.agencies[2], name="王小明")
    desk.apply_at(desk.agencies[2], name="李大華", mobile="0987654321")
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    answer = manager.post("/cases/search", data={"words": "大華", "state": "pending"})
    assert "draft=" in answer.location
    assert "%E5" not in answer.location
    page = manager.get(answer.location).text
    assert "李大華" in page
    assert "王小明" not in page
    assert "文字：大華" in page


def test_a_session_that_ends_while_a_form_is_open_loses_nothing(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    account_id = desk.manager(desk.agencies[2], "陳經理")
    browser = desk.browser(account_id)
    address = f"/cases/{case_id}/reject"
    browser.get(address)
    desk.clock.advance(minutes=16)
    answer = browser.post(address, data={"version": "1", "reason": "請補證明文件"})
    assert answer.status_code == 303
    assert answer.location.startswith("/sign-in?next=")
    assert desk.state(case_id) is CaseState.PENDING
    back = parse_qs(urlsplit(answer.location).query)["next"][0]
    again = desk.browser(account_id)
    with browser.session_transaction() as kept, again.session_transaction() as new:
        new.update(kept)
    assert "請補證明文件" in again.get(back).text


def test_rights_end_at_the_very_next_request(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    account_id = desk.manager(desk.agencies[2], "陳經理")
    browser = desk.browser(account_id)
    assert browser.get(f"/cases/{case_id}").status_code == 200
    with desk.services.begin(account_actor(account_id)) as work:
        move_account(work, work.accounts.get(account_id), AccountMove.DISABLE)
    assert browser.get(f"/cases/{case_id}").status_code == 303


@pytest.mark.requirement("S0-22")
def test_my_account_says_who_i_am_and_syncs_at_once(desk: Desk) -> None:
    account_id = desk.official(desk.agencies[2], "王小明")
    browser = desk.browser(account_id)
    page = browser.get("/me").text
    for shown in ("公務人員", "王小明", desk.agencies[2].full_name, "科長", "立即同步", "Active Directory"):
        assert shown in page

    def wanted() -> dict[str, int]:
        with desk.services.read() as connection:
            rows = connection.execute(sa.select(outbox).where(outbox.c.object_id == str(account_id), ~outbox.c.bulk))
            return {row.target: row.generation for row in rows}

    before = wanted()
    assert browser.post("/me/sync").location == "/me"
    assert wanted() == {target: before.get(target, 0) + 1 for target in ("ad", "keycloak")}


@pytest.mark.requirement("S0-12")
def test_who_was_approved_is_told_by_mail_and_finds_himself_a_public_servant(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    assert "case_approved" not in desk.notices()
    manager.post(f"/cases/{case_id}/approve", data={"version": "1"})
    assert desk.notices().count("case_approved") == 1
    with desk.services.begin(SYSTEM) as work:
        account_id = work.cases.get(case_id).account_id
        assert account_id is not None
        move_account(work, work.accounts.get(account_id), AccountMove.ACTIVATE)
    page = desk.browser(account_id).get("/me").text
    assert "公務人員" in page
    assert desk.agencies[2].full_name in page


@pytest.mark.requirement("S2-52")
def test_an_activation_mail_is_sent_again_from_the_console(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    manager.post(f"/cases/{case_id}/approve", data={"version": "1"})
    with desk.services.begin() as work:
        account_id = work.cases.get(case_id).account_id
    assert manager.post(f"/accounts/{account_id}/resend").status_code == 429
    desk.clock.advance(seconds=61)
    assert manager.post(f"/accounts/{account_id}/resend").status_code == 303
    stranger = desk.browser(desk.manager(desk.agencies[3], "隊經理"))
    for answer in (stranger.get(f"/accounts/{account_id}"), stranger.post(f"/accounts/{account_id}/resend")):
        assert answer.status_code == 404
