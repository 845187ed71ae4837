"""One Chromium for all stories; each story has a fresh browser in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from hufu_stack.demo_people import Resident
from hufu_stack.stack import Stack
from tests.kit.browser.chromium import ARGUMENTS, CHROMIUM, MILLISECONDS, WIDE, NewBrowser
from tests.kit.browser.pages import sign_in_to_console
from tests.kit.browser.people import Town


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_browser(chromium: Browser) -> Iterator[NewBrowser]:
    """Makes fresh browsers: no cookies, one language, one width. A script that fails on a page fails the test."""
    opened: list[BrowserContext] = []
    faults: list[str] = []

    def open_one(*, viewport: Any = WIDE, locale: str = "zh-TW", **options: Any) -> BrowserContext:
        context = chromium.new_context(viewport=viewport, locale=locale, timezone_id="Asia/Taipei", **options)
        context.set_default_timeout(MILLISECONDS)
        context.on("weberror", lambda error: faults.append(str(error.error)))
        opened.append(context)
        return context

    yield open_one
    for context in opened:
        context.close()
    assert not faults


@pytest.fixture
def page(new_browser: NewBrowser) -> Page:
    return new_browser().new_page()


@pytest.fixture(scope="session")
def town(stack: Stack) -> Iterator[Town]:
    with closing(Town(stack)) as town:
        yield town


@pytest.fixture(scope="session")
def town_without_directory(stack_without_directory: Stack) -> Iterator[Town]:
    with closing(Town(stack_without_directory)) as town:
        yield town


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, town: Town) -> Callable[[Resident], StorageState]:
    """The cookies of somebody signed in at the console: signed in once, for a code of the phone is good once."""
    kept: dict[str, StorageState] = {}

    def cookies_of(resident: Resident) -> StorageState:
        if resident.username not in kept:
            context = chromium.new_context(locale="zh-TW")
            context.set_default_timeout(MILLISECONDS)
            sign_in_to_console(context.new_page(), town, town.insider(resident))
            kept[resident.username] = context.storage_state()
            context.close()
        return kept[resident.username]

    return cookies_of
