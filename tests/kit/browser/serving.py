"""A console over the tests' own database, where a real browser can look at it: no other server is needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from werkzeug.serving import make_server

from tests.kit.browser.chromium import ARGUMENTS, CHROMIUM, MILLISECONDS, WIDE


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """Its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        serving.join()


def browser_of(browser: Browser, address: str, client: FlaskClient) -> BrowserContext:
    """A real browser with the cookies of this client."""
    context = browser.new_context(viewport=WIDE, locale="zh-TW", timezone_id="Asia/Taipei")
    context.set_default_timeout(MILLISECONDS)
    cookies = (client._cookies or {}).values()
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": address} for cookie in cookies])
    return context
