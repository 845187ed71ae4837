"""What somebody likes to see of a list: named, opened with, deleted; his alone, and nothing of it in an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Barrier
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM, account_actor
from hufu_registry.kernel.errors import Conflict
from hufu_registry.kernel.permissions import Role
from hufu_registry.sessions.model import FILTERS_OF_LIST, SavedFilter
from hufu_registry.sessions.store import saved_filters
from hufu_registry.sessions.use_cases import SaveFilter, forget_old, put_filter_first, save_filter
from tests.kit.accounts import official
from tests.kit.consoles import signed_in

ID = re.compile(r"/filters/([0-9a-f-]{36})/delete")


@pytest.fixture
def people(services: SqlServices, chain: Sequence[Agency]) -> None:
    for name, said in (("wang001", "王小明"), ("wang002", "王大明"), ("lin0001", "林小明")):
        official(services, chain[2], name, name=said, role=Role.AGENCY_MANAGER if name == "wang002" else None)


def searched(browser: FlaskClient, **filters: str) -> str:
    return str(browser.post("/accounts/search", data=filters).location)


def saved(browser: FlaskClient, place: str, name: str) -> str:
    """What is seen at this address, under a name; where that leads."""
    page = browser.get(place).text
    form = page.partition('action="/filters"')[2].partition("</form>")[0]
    hidden = dict(re.findall(r'name="(\w+)"\s+value="([^"]*)"', form))
    return str(browser.post("/filters", data=hidden | {"name": name}).location)


def names(page: str) -> set[str]:
    return set(re.findall(r">((?:wang|lin)\d+)<", page))


def links(page: str) -> dict[str, str]:
    """The saved filters that stand above the list."""
    bar = page.partition('class="hf-saved"')[2].partition("</nav>")[0]
    return {name: place.replace("&amp;", "&") for place, name in re.findall(r'<a href="([^"]*)"[^>]*>([^<]*)</a>', bar)}


@pytest.mark.usefixtures("people")
def test_what_is_on_gets_a_name_and_is_a_link_from_then_on(services: SqlServices, browser: FlaskClient) -> None:
    place = saved(browser, searched(browser, words="王", role="ordinary"), "我的王先生")
    assert "王" not in place
    page = browser.get(place)
    assert "已儲存篩選「我的王先生」" in page.text
    assert names(page.text) == {"wang001"}
    assert 'action="/filters"' not in page.text
    later = signed_in_again(browser)
    place = links(later.get("/accounts").text)["我的王先生"]
    assert "%E7%8E%8B" not in place
    assert names(later.get(place).text) == {"wang001"}
    assert names(later.get(f"{place}&sort=-name").text) == {"wang001"}
    assert names(later.get("/accounts").text) == {"wang001", "wang002", "lin0001"}
    with services.read() as connection:
        (row,) = connection.execute(sa.select(saved_filters)).all()
    assert "王" not in str(row)


def signed_in_again(browser: FlaskClient) -> FlaskClient:
    """Another day: what this browser kept for a form is gone."""
    with browser.session_transaction() as session:
        session.pop("browser", None)
    return browser


@pytest.mark.usefixtures("people")
def test_a_list_opens_with_the_first_one_and_can_still_be_seen_whole(browser: FlaskClient) -> None:
    place = saved(browser, searched(browser, words="林"), "林")
    filter_id = ID.findall(browser.get(place).text)[0]
    assert browser.post(f"/filters/{filter_id}/first", data={"first": "yes"}).status_code == 303
    page = browser.get("/accounts").text
    assert names(page) == {"lin0001"}
    for word in ("全部顯示", "移除"):
        (whole,) = set(re.findall(rf'<a href="(/accounts[^"]*)"[^>]*>{word}</a>', page))
        assert names(browser.get(whole).text) == {"wang001", "wang002", "lin0001"}, word
    nothing_on = searched(browser, words="")
    assert names(browser.get(nothing_on).text) == {"wang001", "wang002", "lin0001"}
    assert names(browser.get(links(browser.get(nothing_on).text)["林"]).text) == {"lin0001"}
    assert browser.post("/accounts.xlsx").status_code == 200
    browser.post(f"/filters/{filter_id}/first")
    assert names(browser.get("/accounts").text) == {"wang001", "wang002", "lin0001"}
    answer = browser.post(f"/filters/{filter_id}/delete")
    assert answer.location == "/accounts"
    assert links(browser.get("/accounts").text) == {}


@pytest.mark.usefixtures("people")
def test_a_name_stands_for_one_filter_and_an_order_may_have_one(browser: FlaskClient) -> None:
    saved(browser, "/cases?state=all", "看")
    saved(browser, "/cases?state=rejected&sort=-created_at", "看")
    assert links(browser.get("/cases").text) == {"看": "/cases?state=rejected&sort=-created_at"}
    assert links(browser.get("/accounts").text) == {}
    page = browser.get(saved(browser, "/cases?sort=number", " "), follow_redirects=True).text
    assert "這一欄必須填寫" in page
    assert list(links(page)) == ["看"]


@pytest.mark.usefixtures("people")
def test_agencies_that_were_searched_for_are_found_by_a_saved_filter(browser: FlaskClient) -> None:
    found = browser.post("/agencies/search", data={"words": "測試隊"}).location
    place = saved(browser, str(found), "隊")
    filter_id = ID.findall(browser.get(place).text)[0]
    browser.post(f"/filters/{filter_id}/first", data={"first": "yes"})
    assert "找到 1 個機關" in browser.get("/agencies").text


def test_a_filter_is_its_owners_alone_and_goes_with_his_account(
    app: Flask, services: SqlServices, chain: Sequence[Agency], browser: FlaskClient, system_manager: Account
) -> None:
    place = saved(browser, searched(browser, words="林", state="enabled"), "林")
    filter_id = ID.findall(browser.get(place).text)[0]
    other = official(services, chain[0], "other1", role=Role.SYSTEM_MANAGER)
    stranger = signed_in(app, services, other.id)
    for act in ("first", "delete"):
        assert stranger.post(f"/filters/{filter_id}/{act}", data={"first": "yes"}).status_code == 404
    assert "林" not in stranger.get(place).text.partition("<main")[2]
    with services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(accounts).where(accounts.c.id == system_manager.id).values(state="deleted"))
    forget_old(services, SYSTEM)
    with services.read() as connection:
        assert connection.execute(sa.select(saved_filters)).all() == []


def test_so_many_are_kept_and_of_lists_of_ones_own_alone(
    app: Flask, services: SqlServices, chain: Sequence[Agency], browser: FlaskClient, system_manager: Account
) -> None:
    for number in range(FILTERS_OF_LIST):
        saved(browser, f"/cases?since=2026-01-{number + 1:02}", f"第{number}個")
    page = browser.get(saved(browser, "/cases?state=rejected", "再一個"), follow_redirects=True).text
    assert f"已經儲存 {FILTERS_OF_LIST} 個篩選" in page
    assert len(links(page)) == FILTERS_OF_LIST
    plain = signed_in(app, services, official(services, chain[3], "plain1").id)
    for sent in (
        {"list": "cases.queue", "name": "x"},
        {"list": "cases.case", "name": "x"},
        {"list": "https://elsewhere.test", "name": "x"},
        {"list": "agencies.tree", "name": "x", "long": "x" * 3000},
        {"name": "x"},
    ):
        assert plain.post("/filters", data=sent).status_code == 422, sent
    assert urlsplit(plain.post("/filters", data={"list": "agencies.tree", "name": "x", "_external": "1"}).location)[:2] == (
        "", "",
    )  # fmt: skip


def at_once(*acts: Callable[[], object]) -> None:
    start = Barrier(len(acts))

    def press(act: Callable[[], object]) -> None:
        start.wait()
        act()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(press, acts))


def test_two_windows_of_one_person_neither_save_one_name_twice_nor_open_a_list_with_two(
    services: SqlServices, system_manager: Account
) -> None:
    owner = account_actor(system_manager.id)

    def save(name: str) -> SavedFilter:
        return save_filter(SaveFilter("accounts.people", name, {"state": "enabled"}), services, owner)

    for number in range(FILTERS_OF_LIST // 2):
        name = f"第{number}個"
        at_once(*[partial(save, name)] * 4)
    with services.begin(owner) as work:
        own = work.saved_filters.of(system_manager.id, "accounts.people")
    assert len(own) == FILTERS_OF_LIST // 2
    at_once(*(partial(put_filter_first, each.id, first=True, services=services, actor=owner) for each in own[:4]))
    with services.read() as connection:
        firsts = connection.execute(sa.select(saved_filters.c.id).where(saved_filters.c.is_first)).all()
    assert len(firsts) == 1
    at_once(*(partial(save_or_not, partial(save, f"又{number}")) for number in range(FILTERS_OF_LIST)))
    with services.read() as connection:
        assert len(connection.execute(sa.select(saved_filters.c.id)).all()) == FILTERS_OF_LIST


def save_or_not(save: Callable[[], object]) -> None:
    with suppress(Conflict):
        save()
