"""Every page that has an address of its own, in a real browser, as a system manager, a plain official, a stranger see it.

The walk finds the pages by their routes and fills their addresses with the kit's examples, so a new page is looked at
without anybody writing it down here.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, Response, expect

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.permissions import Role
from tests.kit.accounts import official
from tests.kit.addresses import Ground, filled, is_walked
from tests.kit.browser.chromium import NARROW
from tests.kit.browser.judging import EVERY_VIEW, VIEWS, View, judge, page_endpoints
from tests.kit.browser.serving import browser_of, chromium, served
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console, signed_in

MOST_KB, MOST_REQUESTS = 150, 12
# How often slower the CPU is, and what is looked at then; a second is the aim.
SLOWER, SLOWLY = 4, ("/", "/cases", "/accounts", "/help", "/sync")
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@pytest.mark.parametrize("who", ["system manager", "official", "stranger"])
def test_no_page_breaks_a_rule_or_hangs_over_the_edge_in_any_view(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path, feature: str, who: str
) -> None:
    app = make_console(services, tmp_path)
    chief = official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER)
    ids = Ground(Desk(services, chain, clock, app), chief.id).one_of_each()
    plain = official(services, chain[3], "plain1")
    clients: dict[str, FlaskClient] = {
        "system manager": signed_in(app, services, chief.id),
        "official": signed_in(app, services, plain.id),
        "stranger": app.test_client(),
    }
    wanted = page_endpoints()
    rules = [rule for rule in app.url_map.iter_rules() if is_walked(rule, feature) and rule.endpoint in wanted]
    with chromium() as browser, served(app) as console:
        page = browser_of(browser, console, clients[who]).new_page()
        # Whoever sees less of the same pages is looked at in fewer views.
        views = EVERY_VIEW if who == "system manager" else VIEWS
        seen: set[str] = set()
        faults = [said for rule in rules if (said := faults_of(page, f"{console}{filled(rule, ids)}", views, seen))]
        assert not faults, "\n".join(faults)


def faults_of(page: Page, url: str, views: Sequence[View], seen: set[str]) -> str:
    """Of the page in every view, in words; all pages are looked at before anything is said. What answers at several
    addresses, as a refusal does, is looked at once.
    """
    answer = page.goto(url)
    assert answer is not None
    what = page.url if answer.ok else str(answer.status)
    if what in seen:
        return ""
    seen.add(what)
    try:
        judge(page, views=views, in_english=views is EVERY_VIEW)
    except AssertionError as fault:
        return str(fault)
    return ""


def answers_to(page: Page) -> list[Response]:
    """Fills as the page goes on."""
    answers: list[Response] = []

    def note(answer: Response) -> None:
        answers.append(answer)

    page.on("response", note)
    return answers


def kilobytes(answer: Response) -> float:
    """As the proxy sends it: of what is the same for everybody it compresses each file. Letters come once and stay."""
    if not answer.ok or answer.request.resource_type == "font":
        return 0.0
    body = answer.body()
    return len(gzip.compress(body) if "/static/" in answer.url else body) / 1000


def test_no_page_is_heavy_or_asks_for_much(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path, feature: str
) -> None:
    app = make_console(services, tmp_path)
    chief = official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER)
    ids = Ground(Desk(services, chain, clock, app), chief.id).one_of_each()
    wanted = page_endpoints()
    rules = [rule for rule in app.url_map.iter_rules() if is_walked(rule, feature) and rule.endpoint in wanted]
    with chromium() as browser, served(app) as console:
        page = browser_of(browser, console, signed_in(app, services, chief.id)).new_page()
        # As a browser that has never been here.
        page.context.new_cdp_session(page).send("Network.setCacheDisabled", {"cacheDisabled": True})
        answers = answers_to(page)
        for rule in rules:
            # What the page before still asks for comes to nothing.
            page.goto("about:blank")
            answers.clear()
            page.goto(f"{console}{filled(rule, ids)}")
            assert len(answers) <= MOST_REQUESTS, rule.endpoint
            assert 0 < sum(map(kilobytes, answers)) <= MOST_KB, rule.endpoint


def test_on_a_phone_filters_are_folded_until_asked_for_and_what_was_typed_goes_along(
    app: Flask, services: SqlServices, system_manager: Account
) -> None:
    with chromium() as browser, served(app) as console:
        page = browser_of(browser, console, signed_in(app, services, system_manager.id)).new_page()
        page.goto(f"{console}/accounts")
        expect(page.locator("#unfold")).to_be_hidden()
        expect(page.locator("#state")).to_be_visible()
        page.set_viewport_size(NARROW)
        expect(page.locator("#state")).to_be_hidden()
        page.fill("#words", system_manager.account_name)
        page.focus("#unfold")
        page.keyboard.press("Space")
        page.select_option("#state", "enabled")
        page.locator(".hf-filter .btn").click()
        expect(page.locator(".hf-on li")).to_have_count(2)


def test_first_paint_on_a_slow_cpu_is_told(
    app: Flask, services: SqlServices, system_manager: Account, record_property: Callable[[str, object], None]
) -> None:
    with chromium() as browser, served(app) as console:
        for address in SLOWLY:
            # A browser that has never been here.
            context = browser_of(browser, console, signed_in(app, services, system_manager.id))
            page = context.new_page()
            context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            page.goto(f"{console}{address}")
            painted = page.wait_for_function(PAINTED).json_value()
            record_property("told", f"first paint, CPU {SLOWER} times as slow: {address:12}{painted:6.0f} ms")
            context.close()
