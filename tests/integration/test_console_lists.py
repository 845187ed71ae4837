"""Lists of the console: their columns, filters, orders and spreadsheets, each within the asker's scope."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hufu_console.urls import FEATURES
from hufu_console.web.lists import ListPage
from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.rights.use_cases import appoint_manager
from hufu_registry.sync.model import SignIn, SignInLock
from tests.kit.accounts import official
from tests.kit.addresses import Ground, filled
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import sheet_of, signed_in, words_of
from tests.kit.statements import recorded
from tests.kit.sync_scenes import drifted, key_of, stands

ROW = re.compile(r'<tr role="row"><th scope="row".*?</tr>|<tr role="row">\s*<th scope="row".*?</tr>', re.DOTALL)


@pytest.fixture
def desk(services: SqlServices, chain: Sequence[Agency], clock: SetClock, app: Flask) -> Desk:
    return Desk(services, chain, clock, app)


@pytest.fixture
def manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    """Of 測試署 and what is below it."""
    return official(services, chain[2], "manager1", role=Role.AGENCY_MANAGER, with_subordinates=True)


def lines(page: str) -> list[str]:
    return [words_of(row) for row in ROW.findall(page)]


def names_in(page: str) -> list[str]:
    return [line.split()[0] for line in lines(page)]


def signs_in(services: SqlServices, account_id: AccountId, days_ago: int, *, error: str = "") -> None:
    at = services.clock.now() - timedelta(days=days_ago)
    with services.begin() as work:
        work.sign_in_records.keep([SignIn(uuid4().hex, account_id, "LOGIN", "hufu-console", "", at, error)])


def locked(services: SqlServices, account_id: AccountId) -> None:
    with services.begin() as work:
        work.sign_in_locks.lock(account_id, SignInLock(Target.KEYCLOAK, work.now, work.now + timedelta(hours=1)))


@pytest.fixture
def people(services: SqlServices, chain: Sequence[Agency], manager: Account) -> Sequence[Account]:
    """Five of 測試隊, and one of 測試部 whom the manager does not see."""
    names = ("anna1", "berta1", "clara1", "dora1", "emma1")
    made = [official(services, chain[3], name) for name in names[:4]]
    made.append(official(services, chain[3], names[4], state=AccountState.NOT_ACTIVATED))
    stands(services, key_of(made[2].id))
    locked(services, made[1].id)
    drifted(services, key_of(made[2].id), signInBars=("smartcard_required", ""))
    appoint_manager(made[3].id, chain[3].id, services, OPERATOR)
    foreign = official(services, chain[1], "foreign1", role=Role.AGENCY_MANAGER)
    locked(services, foreign.id)
    signs_in(services, foreign.id, 400)
    signs_in(services, made[0].id, 1)
    signs_in(services, made[0].id, 300)
    signs_in(services, made[1].id, 300)
    signs_in(services, made[1].id, 2, error="invalid_user_credentials")
    return made


@pytest.mark.requirement("S1-112", "S1-113", "S1-114", "S1-116")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("role=ordinary", "anna1 berta1 clara1 emma1"),
        ("role=agency_manager", "manager1 dora1"),
        ("role=system_manager", ""),
        ("sign_in=normal", "manager1 anna1 dora1"),
        ("sign_in=locked", "berta1"),
        ("sign_in=barred", "clara1"),
        ("not_since=2026-10-01", "manager1 berta1 clara1 dora1 emma1"),
        ("never=yes", "manager1 clara1 dora1 emma1"),
        ("never=yes&role=ordinary&state=enabled", "clara1"),
        ("sort=last_sign_in", "berta1 anna1 manager1 clara1 dora1 emma1"),
        ("sort=-name&role=system_manager", ""),
    ],
)
def test_people_are_found_by_role_last_sign_in_and_whether_they_may_sign_in(
    app: Flask, services: SqlServices, manager: Account, people: Sequence[Account], query: str, found: str
) -> None:
    page = signed_in(app, services, manager.id).get(f"/accounts?{query}")
    assert names_in(page.text) == found.split()


def test_a_line_and_a_page_say_what_somebody_may_do_and_when_he_was_there(
    app: Flask, services: SqlServices, manager: Account, people: Sequence[Account], clock: SetClock
) -> None:
    browser = signed_in(app, services, manager.id)
    said = {line.split()[0]: line for line in lines(browser.get("/accounts").text)}
    day = f"{taipei_date(clock.now() - timedelta(days=1)):%m-%d}"
    assert ("一般使用者" in said["anna1"], "正常使用中" in said["anna1"], day in said["anna1"]) == (True, True, True)
    assert ("鎖定" in said["berta1"], "AD 拒絕登入" in said["clara1"], "機關管理者" in said["dora1"]) == (True,) * 3
    assert "正常使用中" not in said["emma1"]
    assert "從未登入" in said["dora1"]
    page = words_of(browser.get(f"/accounts/{people[0].id}").text)
    assert re.search(rf"權限 一般使用者 .*帳號登入許可狀態 正常使用中 上次登入 115-{day}", page)
    page = words_of(browser.get(f"/accounts/{people[3].id}").text)
    assert re.search(r"權限 機關管理者 .*上次登入 從未登入", page)


def test_an_agency_is_picked_within_the_scope_and_keeps_those_below(
    app: Flask, services: SqlServices, chain: Sequence[Agency], manager: Account, people: Sequence[Account], desk: Desk
) -> None:
    browser = signed_in(app, services, manager.id)
    offered = browser.get("/agencies/pick?field=agency&words=測試").text
    assert [f'value="{one.id}"' in offered for one in chain] == [False, False, True, True]
    assert 'hx-get="/agencies/pick?field=agency"' in browser.get("/accounts").text
    place = browser.post(
        "/accounts/search", data={"agency": str(chain[3].id), "words": "", "state": "enabled"}
    ).location
    assert names_in(browser.get(place).text) == ["anna1", "berta1", "clara1", "dora1"]
    case_id = desk.apply_at(desk.team)
    assert str(case_id) in browser.get(f"/cases?agency={chain[2].id}&type=activation").text
    everything = signed_in(app, services, official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER).id)
    assert names_in(everything.get(f"/accounts?agency={chain[1].id}&sort=account_name").text)[-1] == "manager1"


@pytest.mark.requirement("S1-117", "S1-141")
def test_what_is_shown_is_taken_as_a_spreadsheet_with_the_filters_of_the_page(
    app: Flask, services: SqlServices, chain: Sequence[Agency], manager: Account, people: Sequence[Account], desk: Desk
) -> None:
    browser = signed_in(app, services, manager.id)
    head, *rows = sheet_of(browser.post("/accounts.xlsx?sign_in=locked"))
    assert [row[0] for row in rows] == ["berta1"]
    assert {"權限", "職稱", "帳號登入許可狀態", "上次登入"} <= set(head)
    desk.apply_at(desk.team, name="甲")
    assert [row[2] for row in sheet_of(browser.post("/cases.xlsx"))[1:]] == ["甲"]
    assert sheet_of(browser.post("/cases.xlsx?state=rejected"))[1:] == []
    mine = [row[0] for row in sheet_of(browser.post("/agencies.xlsx"))[1:]]
    assert mine == ["測試署", "測試隊"]
    found = browser.post("/agencies/search", data={"words": "測試隊"}).location
    assert 'action="/agencies/found.xlsx?draft=' in browser.get(found).text
    assert [row[0] for row in sheet_of(browser.post(found.replace("/agencies?", "/agencies/found.xlsx?")))[1:]] == [
        "測試隊"
    ]


def pages_of_lists(app: Flask) -> Iterator[tuple[Any, ListPage[Any]]]:
    """Every list that stands on a page, with the page's rule."""
    modules = [import_module(f"hufu_console.{feature.name}.lists") for feature in FEATURES if feature.name in LISTED]
    lists = [of for module in modules for of in vars(module).values() if isinstance(of, ListPage)]
    rules = {rule.endpoint: rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    for of in {id(of): of for of in lists}.values():
        if of.sort_keys:
            yield rules[of.endpoint], of


LISTED = {"cases", "accounts", "agencies", "guard", "sync"}


def test_every_column_that_says_so_orders_its_list_either_way(
    app: Flask, services: SqlServices, chain: Sequence[Agency], desk: Desk
) -> None:
    chief = official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER)
    ids = Ground(desk, chief.id).one_of_each()
    browser: FlaskClient = signed_in(app, services, chief.id)
    walked = 0
    for rule, of in pages_of_lists(app):
        place = filled(rule, ids)

        def asked(sort: str, place: str = place) -> tuple[str, list[str]]:
            with recorded(services.engine) as recorder:
                page = browser.get(place, query_string={"sort": sort})
            assert page.status_code == 200, (place, sort)
            return page.text, recorder.statements

        plain = asked("")[1]
        for key in of.sort_keys & {column.key for column in of.page_columns}:
            up, down = asked(key), asked(f"-{key}")
            assert plain != up[1] != down[1], (of.endpoint, key)
            if "<table" in up[0]:
                marked = ('aria-sort="ascending"' in up[0], 'aria-sort="descending"' in down[0])
                assert marked == (True, True), (of.endpoint, key)
                walked += 1
    assert walked > 30


def test_who_manages_several_places_chooses_where_lists_are_of(
    app: Flask, services: SqlServices, chain: Sequence[Agency], people: Sequence[Account], desk: Desk
) -> None:
    """What he chose narrows and never widens; it is kept in his browser, and goes with a long spreadsheet."""
    chief = official(services, chain[1], "chief1", role=Role.AGENCY_MANAGER)
    browser = signed_in(app, services, chief.id)
    assert "hf-place" not in browser.get("/").text
    appoint_manager(chief.id, chain[3].id, services, OPERATOR)
    desk.apply_at(desk.team, name="甲", mobile="0911000001")
    desk.apply_at(chain[1], name="乙", mobile="0911000002")

    def seen() -> tuple[int, list[str], str]:
        queue = browser.get("/cases").text
        waiting = re.search(r'待辦事項\s*<span class="hf-count">(\d+)', queue)
        return int(waiting[1]) if waiting else 0, names_in(browser.get("/accounts").text), queue

    assert (seen()[0], "foreign1" in seen()[1], "anna1" in seen()[1]) == (2, True, True)
    answer = browser.post("/work-at", data={"place": str(chain[3].id)}, headers={"Referer": "http://localhost/cases"})
    assert answer.location == "/cases"
    count, names, queue = seen()
    assert (count, "foreign1" in names, "anna1" in names, "甲" in queue, "乙" in queue) == (1, False, True, True, False)
    assert [row[2] for row in sheet_of(browser.post("/cases.xlsx"))[1:]] == ["甲"]
    assert [row[0] for row in sheet_of(browser.post("/agencies.xlsx"))[1:]] == ["測試隊"]
    for other in (chain[0].id, chain[2].id, "", "x"):
        browser.post("/work-at", data={"place": str(other)})
        assert seen()[0] == 2, other
