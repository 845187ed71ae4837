"""The parts every page is made of, on their page of the test build: wide and narrow, light and dark."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from werkzeug.serving import make_server

from hufu_console.app import create_app
from hufu_console.sign_in_server import SignInServer
from hufu_console.web.context import Services
from tests.kit.consoles import console_settings

ROOT = Path(__file__).resolve().parents[2]
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
WIDTHS = (1280, 600, 360, 320)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the page of parts; it needs no registry."""
    settings = console_settings(tmp_path_factory.mktemp("secrets"), cookie_secure=True, limits=True, gallery=True)
    services = Services(cast("Any", None), SignInServer(settings.issuer_url, "hufu-console", "secret"))
    server = make_server("127.0.0.1", 0, create_app(settings, services), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}/__parts"
    server.shutdown()
    thread.join()
    server.server_close()


def open_page(chromium: Browser, address: str, *, width: int = 1280, scheme: Any = "light") -> Page:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, locale="zh-TW", bypass_csp=True
    )
    page = context.new_page()
    page.goto(address)
    return page


@pytest.mark.parametrize("language", ["zh_Hant_TW", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_parts_break_no_rule_of_accessibility(
    chromium: Browser, gallery: str, width: int, scheme: str, language: str
) -> None:
    page = open_page(chromium, f"{gallery}?language={language}", width=width, scheme=scheme)
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.context.close()


def test_errors_on_top_take_the_focus_and_lead_to_their_fields(chromium: Browser, gallery: str) -> None:
    page = open_page(chromium, gallery)
    assert page.evaluate("document.activeElement.className") == "hf-summary-errors"
    page.locator(".hf-summary-errors a").first.press("Enter")
    assert page.evaluate("document.activeElement.id") == "account_name"
    page.context.close()


def test_the_bulk_bar_counts_what_is_picked(chromium: Browser, gallery: str) -> None:
    page = open_page(chromium, gallery)
    bar = page.locator(".hf-bulk")
    assert bar.is_hidden()
    page.locator("input[name=pick]").first.check()
    assert bar.is_visible()
    assert page.locator("[data-count]").inner_text() == "1"
    page.locator("[data-pick-all]").check()
    assert page.locator("[data-count]").inner_text() == "3"
    page.context.close()


def test_a_table_becomes_cards_and_stays_a_table(chromium: Browser, gallery: str) -> None:
    page = open_page(chromium, gallery, width=360)
    row = page.locator("form .hf-table tbody tr").first
    assert page.evaluate("getComputedStyle(document.querySelector('.hf-table tbody tr')).display") == "block"
    assert row.get_attribute("role") == "row"
    page.context.close()


def test_focus_is_always_seen(chromium: Browser, gallery: str) -> None:
    page = open_page(chromium, gallery)
    for selector in (".hf-brand", "a.btn-primary", "#account_name", "#consent", "a.btn-grave"):
        page.locator(selector).first.focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        width = page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)")
        assert width >= 3, selector
    page.context.close()


def test_the_first_tab_skips_to_the_content(chromium: Browser, gallery: str) -> None:
    page = open_page(chromium, gallery)
    page.locator("html").evaluate("document.activeElement.blur()")
    page.locator(".hf-skip").focus()
    assert page.locator(".hf-skip").bounding_box()["y"] >= 0  # type: ignore[index]
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.context.close()


class Server:
    """What the console would say of the session, to any number of tabs."""

    def __init__(self) -> None:
        self.seconds, self.extended = 120, 0

    def stands_behind(self, page: Page) -> None:
        page.route("**/session", lambda route: route.fulfill(json={"seconds": self.seconds}))
        page.route("**/session/extend", self.extend)

    def extend(self, route: Route) -> None:
        assert "csrf_token=" in (route.request.post_data or "")
        self.seconds, self.extended = 900, self.extended + 1
        route.fulfill(json={"seconds": self.seconds})


def open_idle_page(chromium: Browser, gallery: str, server: Server) -> Page:
    """With a clock that stands still but for what a test lets pass."""
    context = chromium.new_context(locale="zh-TW", bypass_csp=True)
    page = context.new_page()
    page.clock.install()
    server.stands_behind(page)
    page.goto(gallery)
    return page


def test_two_minutes_before_its_end_a_session_can_be_prolonged_by_keyboard(chromium: Browser, gallery: str) -> None:
    server = Server()
    page, other = (open_idle_page(chromium, gallery, server) for _ in range(2))
    dialog = page.get_by_role("dialog", name="即將自動登出")
    page.clock.run_for(700_000)
    assert not dialog.is_visible()
    for tab in (page, other):
        tab.clock.run_for(82_000 if tab is page else 782_000)
        expect(tab.get_by_role("dialog", name="即將自動登出")).to_be_visible()
    page.evaluate(AXE)
    assert [each["id"] for each in page.evaluate("axe.run()")["violations"]] == []
    expect(page.get_by_role("button", name="延長")).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).not_to_be_visible()
    assert server.extended == 1
    other.clock.run_for(15_000)
    expect(other.get_by_role("dialog")).not_to_be_visible()
    server.seconds = 0
    page.clock.run_for(900_000)
    expect(page.get_by_role("alert").filter(has_text="您已自動登出")).to_be_visible()
    page.get_by_role("button", name="關閉").press("Enter")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    for tab in (page, other):
        tab.context.close()


def test_escape_prolongs_too(chromium: Browser, gallery: str) -> None:
    server = Server()
    page = open_idle_page(chromium, gallery, server)
    page.clock.run_for(782_000)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_visible()
    assert server.extended == 1
    page.context.close()
