"""What becomes of a sent form that was not done: a session that ended, a token of earlier, a mistake, a version gone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient

from hufu_console.web.viewer import COOKIE
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.kernel.actor import SYSTEM, applicant_actor
from hufu_registry.kernel.ids import AccountId
from hufu_registry.sessions.model import DRAFTS_OF_NETWORK, DRAFTS_OF_OWNER
from hufu_registry.sessions.store import drafts
from hufu_registry.sessions.use_cases import keep_draft
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import Willing, csrf_token, last_code, make_console, words_of

REASON = "職稱與人事資料不符"


@pytest.fixture
def server() -> Willing:
    return Willing()


@pytest.fixture
def desk(services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path, server: Willing) -> Desk:
    return Desk(services, chain, clock, make_console(services, tmp_path, server=server))


def kept(services: SqlServices) -> int:
    with services.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(drafts)).scalar_one())


def sign_in_again(browser: FlaskClient, server: Willing, account_id: AccountId, answer: Any) -> str:
    """Follow the answer to the sign-in page and come back as this account; the page where that leads."""
    assert answer.location.startswith("/sign-in?next="), answer.location
    browser.get(answer.location)
    server.account_id = account_id
    return str(browser.get("/sign-in/callback").location)


def test_an_approval_after_the_session_ended_is_said_to_be_not_done_and_offered_again(
    desk: Desk, server: Willing
) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.manager(desk.agencies[2], "陳經理")
    browser = desk.browser(manager)
    page = browser.get(f"/cases/{case_id}")
    token = csrf_token(browser)
    desk.clock.advance(minutes=16)
    sent = {"version": "1", "csrf_token": token}
    answer = browser.post(
        f"/cases/{case_id}/approve", data=sent, headers={"Referer": f"http://localhost/cases/{case_id}"}
    )
    goal = sign_in_again(browser, server, manager, answer)
    assert desk.state(case_id) is CaseState.PENDING
    assert urlsplit(goal).path == f"/cases/{case_id}"
    page = browser.get(goal)
    assert "剛才送出的內容沒有執行" in page.text
    assert 'name="version" type="hidden" value="1"' in page.text
    assert f'action="/cases/{case_id}/approve"' in page.text
    assert browser.post(f"/cases/{case_id}/approve", data={"version": "1"}).status_code == 303
    assert desk.state(case_id) is CaseState.APPROVED


def test_what_was_typed_when_the_session_ended_comes_back_after_signing_in_with_every_secret_new(
    desk: Desk, server: Willing
) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.manager(desk.agencies[2], "陳經理")
    browser = desk.browser(manager)
    token = csrf_token(browser)
    with browser.session_transaction() as session:
        before = dict(session)
    desk.clock.advance(minutes=16)
    sent = {"version": "1", "reason": REASON, "csrf_token": token}
    goal = sign_in_again(browser, server, manager, browser.post(f"/cases/{case_id}/reject", data=sent))
    assert REASON in browser.get(goal).text
    with browser.session_transaction() as session:
        assert before["csrf_token"] != session["csrf_token"]
        assert before.get("browser") != session["browser"]
    late = browser.post(f"/cases/{case_id}/reject", data=sent)
    assert late.status_code == 303
    assert REASON in browser.get(late.location).text
    assert desk.state(case_id) is CaseState.PENDING


def test_somebody_else_who_signs_in_there_finds_nothing_of_it(desk: Desk, server: Willing) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    token = csrf_token(browser)
    desk.clock.advance(minutes=16)
    sent = {"version": "1", "reason": REASON, "csrf_token": token}
    other = desk.manager(desk.agencies[2], "林經理")
    goal = sign_in_again(browser, server, other, browser.post(f"/cases/{case_id}/reject", data=sent))
    assert REASON not in browser.get(goal).text


def test_a_mistake_is_left_and_come_back_to_by_the_forms_own_address(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    wrong = browser.post(f"/cases/{case_id}/reject", data={"version": "1", "reason": "x" * 501})
    assert wrong.status_code == 422
    answered = wrong.text.partition('data-answered-page="')[2].partition('"')[0]
    assert urlsplit(answered).path == f"/cases/{case_id}/reject"
    assert "x" * 501 in browser.get(answered).text
    english = browser.get(f"{answered}&language=en").text
    assert f'{answered}&amp;language=en"' in wrong.text
    assert "x" * 501 in english
    assert '<html lang="en"' in english


@pytest.mark.parametrize(
    ("place", "sent"),
    [("approve", {}), ("approve", {"version": ""}), ("reject", {"reason": REASON}), ("reject", {"version": "one"})],
)
def test_a_form_without_its_version_is_not_taken_for_a_current_one(
    desk: Desk, place: str, sent: dict[str, str]
) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    answer = browser.post(f"/cases/{case_id}/{place}", data=sent)
    assert answer.status_code == 422
    assert "請重新載入頁面" in answer.text
    assert desk.state(case_id) is CaseState.PENDING


def test_nothing_is_kept_for_who_has_no_form_of_ours(desk: Desk) -> None:
    before = kept(desk.services)
    stranger = desk.app.test_client()
    assert stranger.post("/apply", data={"mailbox": "x" * 300, "csrf_token": "made up"}).status_code == 400
    token = csrf_token(stranger)
    other = desk.app.test_client()
    assert other.post("/apply", data={"mailbox": "x" * 300, "csrf_token": token}).status_code == 400
    assert other.post("/cases/1/reject", data={"reason": "x", "csrf_token": token}).status_code in (400, 404)
    assert kept(desk.services) == before


def test_drafts_make_room_for_newer_ones(services: SqlServices, clock: SetClock) -> None:
    for number in range(DRAFTS_OF_OWNER + 3):
        clock.advance(seconds=1)
        keep_draft("one", "/apply/form", {"name": str(number)}, services, applicant_actor("192.0.2.1"))
    keep_draft("two", "/apply/form", {"name": "王小明"}, services, applicant_actor("2001:db8::1"))
    assert kept(services) == DRAFTS_OF_OWNER + 1
    with services.begin(SYSTEM) as work:
        network = work.connection.execute(sa.select(drafts.c.network).where(drafts.c.network.is_not(None))).scalars()
        assert len(set(network)) == 2
        work.drafts.make_room("nobody", 1, None, DRAFTS_OF_NETWORK)
        assert work.drafts.take(uuid4(), "nobody") is None


def test_the_limit_is_asked_before_token_session_and_database(services: SqlServices, tmp_path: Path) -> None:
    browser = make_console(services, tmp_path, limits=True).test_client()
    with time_machine.travel(1_800_000_000, tick=False):
        token = {"csrf_token": csrf_token(browser)}
        forged = [browser.post("/apply", data={"csrf_token": "made up"}).status_code for _ in range(120)]
        answer = browser.post("/apply", data={"mailbox": "ming@example.org"} | token)
    assert forged == [400] * 120
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 61
    assert f"請等 {answer.headers['Retry-After']} 秒" in answer.text


def test_a_session_says_how_long_it_lasts_and_is_prolonged_by_a_person_alone(desk: Desk) -> None:
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    assert 'data-seconds="900"' in browser.get("/me").text
    desk.clock.advance(minutes=13)
    assert browser.get("/session").json == {"seconds": 120}
    desk.clock.advance(minutes=1)
    assert browser.get("/session").json == {"seconds": 60}
    assert browser.post("/session/extend").json == {"seconds": 900}
    assert browser.get("/session").json == {"seconds": 900}
    desk.clock.advance(minutes=16)
    assert browser.get("/session").json == {"seconds": 0}
    assert browser.post("/session/extend").json == {"seconds": 0}
    assert browser.get("/me").status_code == 303


def test_no_session_is_prolonged_beyond_its_longest(desk: Desk) -> None:
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    for _ in range(59):
        desk.clock.advance(minutes=10)
        browser.post("/session/extend")
    assert browser.get("/session").json == {"seconds": 600}


def test_an_address_that_does_not_exist_knows_who_looks(desk: Desk) -> None:
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    for answer in (
        browser.get("/nonsense"),
        browser.open("/apply", method="POST", data={"mailbox": "x" * 20_000}),
        browser.open("/cases/search", method="POST", data={"words": "x"}),
        browser.open("/me", method="DELETE"),
    ):
        assert answer.status_code in (400, 404, 405, 413)
        assert 'href="/sign-in"' not in answer.text, answer.status_code
        assert "陳經理" in answer.text


def test_signed_out_is_said_to_whom_it_is_true(desk: Desk) -> None:
    browser = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    assert "您已登出" not in browser.get("/signed-out", follow_redirects=True).text
    stranger = desk.app.test_client()
    assert "您已登出" not in stranger.get("/signed-out", follow_redirects=True).text
    with browser.session_transaction() as session:
        session["signing_out"] = True
    browser.delete_cookie(COOKIE)
    assert "您已登出" in browser.get("/signed-out", follow_redirects=True).text


def test_names_are_told_to_nobody_who_proved_no_mailbox(desk: Desk) -> None:
    stranger = desk.app.test_client()
    asked = {"account_name": "official1"}
    refused = stranger.post("/apply/check/account_name", data=asked, headers={"HX-Request": "true"})
    assert refused.status_code == 404


def test_a_proof_changes_what_the_browser_is_known_by(desk: Desk) -> None:
    browser = desk.app.test_client()
    browser.post("/apply", data={"mailbox": "ming@example.org"})
    with browser.session_transaction() as session:
        before = dict(session)
    thief = desk.app.test_client()
    with thief.session_transaction() as session:
        session.update(before)
    assert browser.post("/apply/code", data={"code": last_code(desk.services)}).status_code == 303
    assert browser.get("/apply/form").status_code == 200
    assert thief.get("/apply/form").location == "/apply"
    with browser.session_transaction() as session:
        assert not {(name, session[name]) for name in ("browser", "csrf_token")} & set(before.items())


def test_the_browsers_language_is_spoken_at_a_first_visit(desk: Desk) -> None:
    for header, code in (("en-US,en;q=0.9", "en"), ("zh-TW,zh;q=0.9,en;q=0.5", "zh-Hant-TW"), ("fr", "zh-Hant-TW")):
        page = desk.app.test_client().get("/", headers={"Accept-Language": header}).text
        assert f'<html lang="{code}"' in page
    browser = desk.app.test_client()
    browser.get("/?language=zh_Hant_TW")
    assert '<html lang="zh-Hant-TW"' in browser.get("/", headers={"Accept-Language": "en"}).text


def test_the_code_page_shows_the_whole_mailbox(desk: Desk) -> None:
    browser = desk.app.test_client()
    browser.post("/apply", data={"mailbox": "ming@exmaple.org"})
    page = browser.get("/apply/code").text
    assert "ming@exmaple.org" in page
    assert "autofocus" in page
    for typed in ("", "12345", "abcdef"):
        answer = browser.post("/apply/code", data={"code": typed})
        assert answer.status_code == 422
        assert "請輸入信中的六位數驗證碼" in answer.text


def test_a_mailbox_that_is_too_long_is_said_to_be_too_long(desk: Desk) -> None:
    browser = desk.app.test_client()
    assert "maxlength" not in browser.get("/apply").text
    answer = browser.post("/apply", data={"mailbox": f"{'x' * 300}@example.org"})
    assert "太長" in words_of(answer.text)


def test_what_was_sent_leads_to_its_receipt_and_what_was_withdrawn_to_a_new_one(
    desk: Desk, chain: Sequence[Agency]
) -> None:
    browser = desk.app.test_client()
    browser.post("/apply", data={"mailbox": "ming@example.org"})
    browser.post("/apply/code", data={"code": last_code(desk.services)})
    filled = {
        "account_name": "wangxm", "name": "王小明", "title": "科員", "agency_id": str(chain[2].id),
        "agency_oid": chain[2].oid or "", "phone": "02-81234567", "mobile": "0912345678", "reason": "新進人員",
    }  # fmt: skip
    review = browser.post("/apply/form", data=filled).location
    key = parse_qs(urlsplit(review).query)["draft"][0]
    receipt = browser.post("/apply/send", data={"draft": key, "consent": CURRENT.version}).location
    assert browser.get(review).location == receipt
    desk.clock.advance(seconds=61)
    browser.post("/follow", data={"mailbox": "ming@example.org"})
    browser.post("/follow/code", data={"code": last_code(desk.services)})
    assert browser.post("/follow/withdraw").status_code == 303
    for place in ("/follow/withdraw", "/follow/change"):
        assert browser.get(place).location == "/follow/case"
    assert 'href="/apply"' in browser.get("/follow/case").text.partition("<main")[2].partition("</main>")[0]
