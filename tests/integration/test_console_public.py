"""The public pages over HTTP, on a real PostgreSQL: verifying, applying, changing, withdrawing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.accounts.model import AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.store import cases
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.permissions import Role
from hufu_registry.sessions.store import drafts
from tests.kit.accounts import official
from tests.kit.clocks import SetClock
from tests.kit.consoles import csrf_token, last_code, make_console, signed_in
from tests.kit.staff import crowd

MAILBOX = "ming@example.org"


@pytest.fixture
def console(services: SqlServices, chain: Sequence[Agency], tmp_path: Path) -> Flask:
    return make_console(services, tmp_path)


@pytest.fixture
def browser(console: Flask) -> FlaskClient:
    return console.test_client()


def prove(browser: FlaskClient, services: SqlServices, clock: SetClock, *, start: str = "/apply") -> str:
    """Verify the mailbox; where the page leads then."""
    clock.advance(seconds=61)
    assert browser.post(start, data={"mailbox": MAILBOX}).location == f"{start}/code"
    answer = browser.post(f"{start}/code", data={"code": last_code(services)})
    assert answer.status_code == 303
    return str(answer.location)


def form(agency: Agency, **changes: str) -> dict[str, str]:
    return {
        "account_name": "wangxm",
        "name": "王小明",
        "title": "科員",
        "agency_id": str(agency.id),
        "agency_oid": agency.oid or "",
        "unit_name": "秘書室",
        "phone": "02-81234567",
        "mobile": "0912345678",
        "reason": "新進人員",
    } | changes


def send(browser: FlaskClient, agency: Agency) -> str:
    """Fill in, look it over, agree, send; the address of the receipt."""
    review = browser.post("/apply/form", data=form(agency))
    assert review.status_code == 303, review.text
    key = parse_qs(urlsplit(review.location).query)["draft"][0]
    answer = browser.post("/apply/send", data={"draft": key, "consent": CURRENT.version})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


@pytest.mark.requirement("S1-084", "S1-085")
def test_the_form_opens_only_after_the_mailbox_is_verified(
    browser: FlaskClient, services: SqlServices, clock: SetClock
) -> None:
    assert browser.get("/apply/form").location == "/apply"
    assert prove(browser, services, clock) == "/apply/form"
    assert browser.get("/apply/form").status_code == 200


def test_a_code_is_good_in_its_browser_only(
    console: Flask, browser: FlaskClient, services: SqlServices, clock: SetClock
) -> None:
    browser.post("/apply", data={"mailbox": MAILBOX})
    other = console.test_client()
    assert other.post("/apply/code", data={"code": last_code(services)}).status_code == 422
    assert other.get("/apply/form").location == "/apply"


def test_a_wrong_code_is_said_so_at_its_field(browser: FlaskClient, services: SqlServices) -> None:
    browser.post("/apply", data={"mailbox": MAILBOX})
    wrong = "111111" if last_code(services) != "111111" else "222222"
    answer = browser.post("/apply/code", data={"code": wrong})
    assert answer.status_code == 422
    assert "這不是最新一封信裡的驗證碼" in answer.text


def test_a_resend_too_soon_says_how_long_to_wait(browser: FlaskClient) -> None:
    browser.post("/apply", data={"mailbox": MAILBOX})
    browser.post("/apply/code/resend")
    assert re.search(r"請等 \d+ 秒", browser.get("/apply/code").text)


@pytest.mark.requirement("S2-16", "S2-29", "S2-30")
def test_everything_is_shown_and_agreed_to_before_it_is_sent(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    review = browser.post("/apply/form", data=form(chain[2]))
    page = browser.get(review.location).text
    for shown in (
        "王小明",
        "wangxm",
        "科員",
        "秘書室",
        chain[2].full_name,
        MAILBOX,
        "請確認是否要申請？",
        CURRENT.version,
    ):
        assert shown in page
    key = parse_qs(urlsplit(review.location).query)["draft"][0]
    for agreed in ({}, {"consent": "y"}, {"consent": "2026-11"}):
        refused = browser.post("/apply/send", data={"draft": key} | agreed)
        assert refused.status_code == 422
        assert "請閱讀上方目前的內容" in refused.text
        assert "checked" not in refused.text
    assert count(services) == 0
    assert browser.post("/apply/send", data={"draft": key, "consent": CURRENT.version}).status_code == 303
    assert count(services) == 1


@pytest.mark.requirement("S2-16")
def test_an_agency_has_a_privacy_notice_of_its_own_and_a_case_keeps_which_one_was_agreed_to(
    console: Flask, browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    usual = browser.get("/privacy").text
    for told in (
        "蒐集機關",
        "蒐集目的",
        "資料類別",
        "利用期間",
        "利用地區",
        "利用對象",
        "利用方式",
        "您的權利",
        "聯絡方式",
    ):
        assert told in usual
    assert 'href="/privacy"' in browser.get("/").text
    own = "本署告知您：\r\n\r\n資料只供本署使用。\n電話 02-1234"
    chief = signed_in(console, services, official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER).id)
    assert chief.post(f"/agencies/{chain[2].id}/privacy-notice", data={"text": own}).status_code == 303
    assert "電話 02-1234</textarea>" in chief.get(f"/agencies/{chain[2].id}/privacy-notice").text
    prove(browser, services, clock)
    assert 'href="/privacy"' in browser.get("/apply/form").text
    review = browser.post("/apply/form", data=form(chain[2]))
    page = browser.get(review.location).text
    assert '<p class="hf-lines">資料只供本署使用。\n電話 02-1234</p>' in page
    assert CURRENT.version not in page
    (version,) = re.findall(r'value="(own-[0-9a-f]{12})"', page)
    key = parse_qs(urlsplit(review.location).query)["draft"][0]
    assert browser.post("/apply/send", data={"draft": key, "consent": CURRENT.version}).status_code == 422
    receipt = browser.post("/apply/send", data={"draft": key, "consent": version}).location
    with services.reading() as work:
        assert work.cases.get(CaseId(UUID(receipt.split("/")[-1]))).consent_version == version


def test_a_unit_is_known_among_more_agencies_than_a_page_holds(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    crowd(services, chain[2])
    unit = add_unit(AddUnit(chain[2].id, "秘書室"), services, OPERATOR)
    prove(browser, services, clock)
    page = browser.post("/apply/agency", data={"pick": str(chain[2].id)}).text
    assert '<option value="秘書室">' in page
    receipt = send(browser, chain[2])
    with services.reading() as work:
        case = work.cases.get(CaseId(UUID(receipt.rsplit("/", 1)[1])))
    assert case.form.summary.unit_id == unit.id


def test_who_opens_the_form_anew_finds_what_he_typed_until_it_is_sent(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    assert browser.post("/apply/form", data=form(chain[2], mobile="12")).status_code == 422
    assert 'value="科員"' in browser.get("/apply/form", follow_redirects=True).text
    send(browser, chain[2])
    assert "科員" not in browser.get("/apply/form", follow_redirects=True).text


def test_somebody_else_at_the_same_browser_finds_an_empty_form(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    browser.post("/apply/form", data=form(chain[2], mobile="12"))
    prove(browser, services, clock)
    assert "科員" not in browser.get("/apply/form", follow_redirects=True).text


def test_what_a_chinese_keyboard_makes_wide_is_taken_for_what_it_means(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    browser.post("/apply", data={"mailbox": MAILBOX})
    wide = last_code(services).translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"})
    assert browser.post("/apply/code", data={"code": wide}).status_code == 303
    typed = form(chain[2], mobile="０９１２－３４５－６７８", account_name="ｗａｎｇｘｍ")
    page = browser.get(browser.post("/apply/form", data=typed).location).text
    assert "0912345678" in page
    assert "wangxm" in page


def test_an_oid_nobody_has_is_said_so_also_when_the_form_is_sent(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    answer = browser.post("/apply/form", data=form(chain[2], agency_id="", agency_oid="2.16.886.101.999"))
    assert answer.status_code == 422
    assert "查無這個機關" in answer.text


def count(services: SqlServices) -> int:
    with services.read() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(cases)).scalar_one())


def test_the_receipt_says_who_decides(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    page = browser.get(send(browser, chain[2])).text
    assert "申請已送出" in page
    assert "由系統管理者審核" in page
    assert "1001" in page


def test_a_form_sent_twice_is_one_case(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    review = browser.post("/apply/form", data=form(chain[2]))
    key = parse_qs(urlsplit(review.location).query)["draft"][0]
    sent = {"draft": key, "consent": CURRENT.version}
    first, second = browser.post("/apply/send", data=sent), browser.post("/apply/send", data=sent)
    assert first.location == second.location
    assert count(services) == 1
    assert "您已經申請過" in browser.get("/apply/form").text


def test_the_receipt_is_for_the_applicant_alone(
    console: Flask, browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    address = send(browser, chain[2])
    assert console.test_client().get(address).location == "/apply"


@pytest.mark.requirement("S2-08")
@pytest.mark.parametrize(
    ("field", "wrong", "words"),
    [
        ("account_name", "1wang", "5 至 15 個英文字母或數字"),
        ("account_name", "administrator", "保留給系統使用"),
        ("mobile", "123", "09 開頭的十位數字"),
        ("agency_oid", "2.16.886.101.1", "查無這個機關"),
        ("reason", "", "必須填寫"),
        ("name", "", "必須填寫"),
    ],
)
def test_fields_are_judged_as_one_leaves_them_and_again_on_sending(
    browser: FlaskClient,
    services: SqlServices,
    clock: SetClock,
    chain: Sequence[Agency],
    field: str,
    wrong: str,
    words: str,
) -> None:
    prove(browser, services, clock)
    typed = form(chain[2], **{field: wrong})
    assert words in browser.post(f"/apply/check/{field}", data=typed).text
    answer = browser.post("/apply/form", data=typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert "王小明" in answer.text or field == "name"


@pytest.mark.requirement("S2-25", "S2-26", "S2-27")
def test_the_search_window_finds_and_fills_in(browser: FlaskClient, chain: Sequence[Agency]) -> None:
    found = browser.get("/apply/agencies?words=測試 署").text
    assert chain[2].full_name in found
    picked = browser.post("/apply/agency", data={"pick": str(chain[2].id)}).text
    assert f'value="{chain[2].oid}"' in picked
    typed = browser.post("/apply/agency", data={"agency_oid": chain[3].oid}).text
    assert chain[3].full_name in typed
    assert "查無這個機關" in browser.post("/apply/agency", data={"agency_oid": "2.16.886.101.777"}).text


@pytest.mark.requirement("S1-087")
def test_the_applicant_changes_and_withdraws(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    send(browser, chain[2])
    assert browser.get("/follow/case").location == "/follow"
    assert prove(browser, services, clock, start="/follow") == "/follow/case"
    assert "待審核" in browser.get("/follow/case").text
    assert 'value="wangxm"' in browser.get("/follow/change").text
    changed = browser.post("/follow/change", data=form(chain[2], title="專員", version="1"))
    assert changed.location == "/follow/case"
    assert "專員" in browser.get("/follow/case").text
    late = browser.post("/follow/change", data=form(chain[2], title="技士", version="1"))
    assert late.status_code == 409
    assert "wangxm" in browser.get("/follow/withdraw").text
    assert browser.post("/follow/withdraw").location == "/follow/case"
    assert "已撤回" in browser.get("/follow/case").text
    assert browser.post("/follow/withdraw").status_code == 409


def test_a_form_whose_token_is_too_old_comes_back_filled_in(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    token = csrf_token(browser)
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=13), tick=False):
        answer = browser.post("/apply/form", data=form(chain[2], csrf_token=token))
        assert answer.location.startswith("/apply/form?draft=")
        page = browser.get(answer.location).text
    assert "剛才送出的內容沒有執行" in page
    assert "您在這一頁送出過的內容已經還原" in page
    assert 'value="wangxm"' in page


def test_what_was_typed_is_nobody_elses_and_not_readable(
    console: Flask, browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    review = browser.post("/apply/form", data=form(chain[2]))
    stranger = console.test_client()
    prove(stranger, services, clock)
    assert "王小明" not in stranger.get(review.location).text
    with services.read() as connection:
        sealed = connection.execute(sa.select(drafts.c.fields_sealed)).scalars().all()
    assert not any("wangxm" in one for one in sealed)


@pytest.mark.requirement("S2-53")
def test_help_for_mails_that_have_not_come(browser: FlaskClient) -> None:
    page = browser.get("/activation").text
    assert "沒有收到啟用信" in page
    assert "啟用連結已失效" in page
    assert "垃圾信件匣" in page


def test_the_page_after_activation(browser: FlaskClient) -> None:
    assert "帳號已啟用成功" in browser.get("/welcome").text


def test_text_that_means_something_to_html_is_only_text(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    prove(browser, services, clock)
    review = browser.post("/apply/form", data=form(chain[2], name="<b>王</b>", reason="*)(uid=*"))
    page = browser.get(review.location).text
    assert "&lt;b&gt;王&lt;/b&gt;" in page
    assert "<b>王" not in page


@pytest.mark.requirement("S2-52")
def test_an_activation_mail_is_sent_again_after_the_mailbox_is_verified(
    browser: FlaskClient, services: SqlServices, clock: SetClock, chain: Sequence[Agency]
) -> None:
    account_id = official(services, chain[2], "wangxm", state=AccountState.NOT_ACTIVATED, mailbox=MAILBOX).id
    address = f"/activation/accounts/{account_id}/resend"
    assert browser.post(address).location == "/activation"
    assert prove(browser, services, clock, start="/activation") == "/activation/accounts"
    assert "wangxm" in browser.get("/activation/accounts").text
    assert browser.post(address).location == "/activation/accounts"
    assert "新的啟用信已送出" in browser.get("/activation/accounts").text
    assert browser.post(address).status_code == 429
    assert browser.post(f"/activation/accounts/{uuid4()}/resend").status_code == 404


@pytest.mark.parametrize("name", ["endpoint", "_method", "_external", "self", "language"])
def test_whatever_the_query_names_the_page_opens_and_leads_to_itself_in_the_other_language(
    browser: FlaskClient, name: str
) -> None:
    answer = browser.get("/apply", query_string={name: "POST"})
    assert answer.status_code == 200
    kept = "" if name == "language" else f"{name}=POST&amp;"
    assert f'href="/apply?{kept}language=en"' in answer.text
