"""The help in the console: who may read what, what a search finds, and where a question mark leads."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from hufu_console.help.manual import Reader
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.permissions import Role
from tests.kit.accounts import official
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import signed_in

EVERYBODYS = [Reader.APPLICANT, Reader.INTEGRATOR]


@pytest.fixture
def readers(app: Flask, services: SqlServices, chain: Sequence[Agency]) -> dict[str, FlaskClient]:
    def browser(name: str, role: Role | None = None) -> FlaskClient:
        return signed_in(app, services, official(services, chain[3], name, role=role).id)

    return {
        "stranger": app.test_client(),
        "official": browser("plain1"),
        "manager": browser("manager1", Role.AGENCY_MANAGER),
        "system manager": browser("chief1", Role.SYSTEM_MANAGER),
    }


@pytest.mark.parametrize(
    ("who", "further"),
    [
        ("stranger", []),
        ("official", [Reader.OFFICIAL]),
        ("manager", [Reader.OFFICIAL, Reader.MANAGER]),
        ("system manager", [Reader.OFFICIAL, Reader.MANAGER, Reader.SYSTEM]),
    ],
)
def test_a_page_is_open_to_whom_it_is_for_and_to_whoever_may_do_more(
    readers: dict[str, FlaskClient], who: str, further: list[Reader]
) -> None:
    browser, readable = readers[who], {*EVERYBODYS, *further}
    start = browser.get("/help").text
    for reader in Reader:
        answer = browser.get(f"/help/{reader}")
        assert (answer.status_code == 200) == (reader in readable), reader
        assert (f'href="/help/{reader}"' in start) == (reader in readable), reader


def found(browser: FlaskClient, words: str) -> list[tuple[str, str]]:
    """The sections with their sentence."""
    page = BeautifulSoup(browser.get("/help", query_string={"words": words}).text, "html.parser")
    return [
        (str(card.select("h3 a")[0]["href"]), card.select("p")[0].get_text(strip=True))
        for card in page.select("[aria-labelledby=found] li")
    ]


def test_a_search_finds_sections_in_the_pages_that_one_may_read(readers: dict[str, FlaskClient]) -> None:
    assert "/help/manager#unlock" in dict(found(readers["manager"], "解除鎖定"))
    assert not [url for url, _ in found(readers["official"], "解除鎖定") if "/manager#" in url]
    assert found(readers["manager"], "沒有這種字") == []


def test_a_search_shows_the_sentence_and_takes_any_width(readers: dict[str, FlaskClient]) -> None:
    (sentence,) = [
        said for url, said in found(readers["manager"], "ｏｉｄ　記下") if url == "/help/manager#second-manager"
    ]
    assert sentence == "在左邊選單按 機關與單位，開啟本機關，記下機關名稱與 OID。"


def test_what_is_typed_is_text(readers: dict[str, FlaskClient]) -> None:
    assert "<b>x" not in readers["stranger"].get("/help", query_string={"words": "<b>x"}).text


def test_every_page_has_the_help_on_top(readers: dict[str, FlaskClient]) -> None:
    for browser in readers.values():
        assert '<a href="/help">' in browser.get("/").text


def test_a_question_mark_leads_to_the_section_and_only_whom_it_is_open_to(
    services: SqlServices, chain: Sequence[Agency], clock: SetClock, app: Flask, readers: dict[str, FlaskClient]
) -> None:
    desk = Desk(services, chain, clock, app)
    manager, case = desk.manager(chain[3]), desk.apply_at(chain[3])
    page = BeautifulSoup(desk.browser(manager).get(f"/cases/{case}").text, "html.parser")
    asked = {str(link["href"]): str(link["aria-label"]) for link in page.select(".hf-ask")}
    assert asked["/help/manager#approve"] == "說明：核准申請，並填公務信箱（另開新視窗）"
    assert asked.keys() >= {"/help/manager#same-person"}
    official_sees = BeautifulSoup(readers["official"].get(f"/agencies/{chain[3].id}").text, "html.parser")
    assert official_sees.select(".hf-ask") == []
