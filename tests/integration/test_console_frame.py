"""The frame of every page: what stands in the menu for whom, the search over everything, colours, single keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import expect

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.store import cases
from hufu_registry.kernel.permissions import Role
from hufu_registry.sync.store import client_names, sign_in_records
from tests.kit.accounts import official
from tests.kit.browser.chromium import NARROW
from tests.kit.browser.serving import browser_of, chromium, served
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import signed_in

MENU = re.compile(r'<nav class="hf-menu".*?</nav>', re.DOTALL)
LINK = re.compile(r'<a href="(/[^"]*)"')


def menu_of(browser: FlaskClient) -> list[str]:
    """The addresses in it, from top to bottom."""
    found = MENU.search(browser.get("/").text)
    assert found is not None
    return LINK.findall(found[0])


@pytest.fixture
def desk(services: SqlServices, chain: Sequence[Agency], clock: SetClock, app: Flask) -> Desk:
    return Desk(services, chain, clock, app)


def test_the_menu_shows_what_this_person_may_open(
    app: Flask, services: SqlServices, chain: Sequence[Agency], browser: FlaskClient
) -> None:
    plain = official(services, chain[3], "plain1")
    manager = official(services, chain[3], "manager1", role=Role.AGENCY_MANAGER)
    assert menu_of(signed_in(app, services, plain.id)) == ["/", "/agencies"]
    assert menu_of(signed_in(app, services, manager.id)) == ["/", "/cases", "/accounts", "/agencies"]
    assert menu_of(browser) == ["/", "/cases", "/accounts", "/agencies", "/sync", "/sync/held"]
    assert "hf-menu" not in app.test_client().get("/").text


def test_how_many_tasks_wait_stands_beside_the_tasks_alone(desk: Desk, browser: FlaskClient) -> None:
    desk.apply_at(desk.team)
    found = MENU.search(browser.get("/").text)
    assert found is not None
    assert re.findall(r'href="([^"]*)"[^>]*>[^<]*<span class="hf-count">(\d+)', found[0]) == [("/cases", "1")]


def searched(browser: FlaskClient, words: str) -> str:
    answer = browser.post("/search", data={"words": words})
    assert answer.status_code == 303
    assert words not in answer.location
    return str(browser.get(answer.location).text)


def test_the_search_finds_people_cases_and_agencies_of_the_scope_alone(
    app: Flask, services: SqlServices, chain: Sequence[Agency], desk: Desk, browser: FlaskClient
) -> None:
    desk.apply_at(desk.team, name="尋人啟")
    seen, hidden = official(services, chain[3], "xunren1"), official(services, chain[0], "xunren2")
    manager = official(services, chain[3], "manager1", role=Role.AGENCY_MANAGER)
    whole, part = searched(browser, "xunren"), searched(signed_in(app, services, manager.id), "xunren")
    assert (seen.account_name in whole, hidden.account_name in whole) == (True, True)
    assert (seen.account_name in part, hidden.account_name in part) == (True, False)
    assert "尋人啟" in searched(browser, "尋人")
    assert "測試隊" in searched(browser, "測試隊")
    assert "沒有符合的項目" in searched(browser, "查無此人")


def test_what_was_decided_is_found_as_well(desk: Desk, services: SqlServices, browser: FlaskClient) -> None:
    case_id = desk.apply_at(desk.team, name="已決定者")
    with services.begin() as work:
        work.connection.execute(sa.update(cases).where(cases.c.id == case_id).values(state="withdrawn"))
    assert f'href="/cases/{case_id}"' in searched(browser, "已決定")


def test_more_than_a_few_lead_to_the_list(services: SqlServices, chain: Sequence[Agency], browser: FlaskClient) -> None:
    for number in range(6):
        official(services, chain[3], f"xunren{number}")
    page = searched(browser, "xunren")
    assert len(set(re.findall(r"xunren\d", page))) == 5
    assert 'action="/accounts/search"' in page


def test_colours_are_chosen_for_this_browser(browser: FlaskClient) -> None:
    assert 'data-theme="system"' in browser.get("/").text
    answer = browser.post("/theme", data={"theme": "dark"}, headers={"Referer": "http://localhost/accounts"})
    assert (answer.status_code, answer.location) == (303, "/accounts")
    assert 'data-theme="dark"' in browser.get("/").text
    for referrer in ("http://[", "http://localhost//accounts", "http://elsewhere.test/accounts"):
        answer = browser.post("/theme", data={"theme": "dark"}, headers={"Referer": referrer})
        assert (answer.status_code, answer.location) == (303, "/"), referrer
    browser.post("/theme", data={"theme": "pink"})
    assert 'data-theme="dark"' in browser.get("/").text


def test_the_first_page_names_who_manages_me_and_can_be_asked(
    app: Flask, services: SqlServices, chain: Sequence[Agency]
) -> None:
    plain = official(services, chain[3], "plain1")
    official(services, chain[2], "above1", role=Role.AGENCY_MANAGER, name="上級甲", with_subordinates=True)
    assert "上級甲" in signed_in(app, services, plain.id).get("/").text
    official(services, chain[3], "here1", role=Role.AGENCY_MANAGER, name="本機關甲")
    gone = official(services, chain[3], "gone1", role=Role.AGENCY_MANAGER, name="離職乙")
    with services.begin() as work:
        work.connection.execute(sa.update(accounts).where(accounts.c.id == gone.id).values(state="disabled"))
    page = signed_in(app, services, plain.id).get("/").text
    assert ("本機關甲" in page, "上級甲" in page, "離職乙" in page) == (True, False, False)


def test_the_first_page_tells_the_last_sign_in_that_succeeded_by_the_applications_name(
    app: Flask, services: SqlServices, chain: Sequence[Agency], clock: SetClock
) -> None:
    plain = official(services, chain[3], "plain1")
    with services.begin() as work:
        for number, (kind, error) in enumerate((("LOGIN", ""), ("LOGIN_ERROR", "invalid_user_credentials"))):
            at = clock.now() - timedelta(minutes=10 - number)
            row = {"event_id": f"e{number}", "account_id": plain.id, "type": kind, "client": "hufu-console"}
            work.connection.execute(sa.insert(sign_in_records).values(**row, address="192.0.2.1", at=at, error=error))
        work.connection.execute(sa.update(client_names).values(name="管理主控台", name_en="Console"))
    page = signed_in(app, services, plain.id).get("/").text
    assert re.search(r"上次登入：115-[0-9: -]+，管理主控台", page)
    assert "hufu-console" not in page


def test_the_first_page_of_a_person_says_what_can_be_done_and_what_was_applied_for(desk: Desk) -> None:
    case_id = desk.apply_at(desk.team)
    account_id = desk.approve(desk.manager(desk.team), case_id)
    with desk.services.begin() as work:
        work.connection.execute(sa.update(accounts).where(accounts.c.id == account_id).values(state="enabled"))
    page = desk.browser(account_id).get("/").text
    for address in ("/me/password", "/me/one-time-password", "/help"):
        assert f'href="{address}"' in page, address
    own = page.split("我的申請", 1)[1]
    assert str(desk.case(case_id).number) in own
    assert "已核准" in own
    assert "立即同步" not in page
    assert "我的申請" not in desk.browser(desk.official(desk.team)).get("/").text


def test_what_is_printed_says_what_when_and_by_whom_without_empty_boxes(
    app: Flask, desk: Desk, browser: FlaskClient, system_manager: Account
) -> None:
    case_id = desk.apply_at(desk.team)
    with chromium() as chrome, served(app) as console:
        page = browser_of(chrome, console, browser).new_page()
        page.emulate_media(media="print")
        for address in ("/", "/cases", f"/cases/{case_id}", "/sync/held", "/me"):
            page.goto(f"{console}{address}")
            expect(page.locator(".hf-print")).to_contain_text("公務帳號 · 115-")
            expect(page.locator(".hf-print")).to_contain_text(system_manager.profile.name)
            assert page.evaluate(EMPTY_BOXES) == [], address
            assert page.locator("main :is(button, input, select):visible").count() == 0, address


def test_after_a_case_comes_the_one_that_waits_longest(desk: Desk, browser: FlaskClient) -> None:
    first, second, third = (desk.apply_at(desk.team, mobile=f"0911{number:06}") for number in range(3))
    page = browser.get(f"/cases/{first}").text
    assert f'href="/cases/{second}"' in page
    assert f'href="/cases/{first}"' in browser.get(f"/cases/{third}").text


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2026-11-31", "20261121", "昨天", "-1"])
def test_a_day_that_is_none_narrows_nothing(desk: Desk, browser: FlaskClient, day: str) -> None:
    case_id = desk.apply_at(desk.team)
    for name in ("since", "until"):
        page = browser.get(f"/cases?{name}={day}")
        assert page.status_code == 200
        assert f"/cases/{case_id}" in page.text


def test_single_keys_walk_through_a_list_and_are_switched_off(
    app: Flask, services: SqlServices, chain: Sequence[Agency], browser: FlaskClient, system_manager: Account
) -> None:
    official(services, chain[0], "zhang001")
    with chromium() as chrome, served(app) as console:
        page = browser_of(chrome, console, browser).new_page()
        page.goto(f"{console}/accounts")
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=system_manager.account_name)).to_be_focused()
        page.keyboard.press("j")
        expect(page.get_by_role("link", name="zhang001")).to_be_focused()
        page.keyboard.press("k")
        expect(page.get_by_role("link", name=system_manager.account_name)).to_be_focused()
        page.keyboard.press("/")
        expect(page.locator("#everything")).to_be_focused()
        page.keyboard.press("Escape")
        page.locator(".hf-popup summary").click()
        page.get_by_label("單鍵快速鍵").uncheck()
        page.goto(f"{console}/accounts")
        page.keyboard.press("j")
        expect(page.get_by_role("link", name=system_manager.account_name)).not_to_be_focused()


def test_on_a_phone_the_menu_is_a_drawer_that_escape_closes(app: Flask, browser: FlaskClient) -> None:
    with chromium() as chrome, served(app) as console:
        page = browser_of(chrome, console, browser).new_page()
        page.set_viewport_size(NARROW)
        page.goto(f"{console}/accounts")
        menu = page.locator("#menu")
        expect(menu).to_be_hidden()
        page.get_by_role("link", name="更多").click()
        expect(menu).to_be_visible()
        expect(menu.get_by_role("link", name="關閉選單")).to_be_focused()
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        bar = page.locator(".hf-top").bounding_box()
        assert bar is not None
        assert bar["height"] <= 60


EMPTY_BOXES = """() => [...document.querySelectorAll("main *")]
    .filter((one) => one.checkVisibility() && parseFloat(getComputedStyle(one).borderLeftWidth) > 0)
    .filter((one) => !one.innerText?.trim() && !one.querySelector("svg, img") && one.closest("svg") === null)
    .map((one) => one.outerHTML.slice(0, 120))"""
COVERED = """() => [...document.querySelectorAll("main :is(a, button, input, select, textarea, summary)")]
    .filter((one) => one.checkVisibility() && one.type !== "hidden")
    .filter((one) => {
        one.focus();
        const box = one.getClientRects()[0];
        const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return !one.contains(seen) && !seen?.contains(one);
    })
    .map((one) => one.outerHTML.slice(0, 120))"""


def test_on_a_phone_the_act_of_a_page_is_in_reach_and_covers_nothing_that_has_the_focus(
    app: Flask, desk: Desk, browser: FlaskClient, services: SqlServices, chain: Sequence[Agency]
) -> None:
    account = official(services, chain[3], "plain1")
    case_id = desk.apply_at(desk.team, mobile="0911000000")
    with chromium() as chrome, served(app) as console:
        page = browser_of(chrome, console, browser).new_page()
        page.set_viewport_size(NARROW)
        for address in (
            f"/cases/{case_id}",
            f"/cases/{case_id}/reject",
            f"/accounts/{account.id}/edit",
            f"/accounts/{account.id}/disable",
            f"/agencies/{chain[1].id}",
            f"/agencies/{chain[3].id}/managers/appoint",
            "/sync",
        ):
            page.goto(f"{console}{address}")
            act = page.locator("main").locator(".btn-primary, .btn-grave").first.bounding_box()
            bar = page.locator(".hf-bottom").bounding_box()
            assert act is not None, address
            assert bar is not None, address
            assert act["y"] > 0, address
            assert act["y"] + act["height"] <= bar["y"], address
            assert page.evaluate(COVERED) == [], address
