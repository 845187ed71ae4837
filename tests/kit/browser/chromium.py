"""Which browser the stories run in, and how wide its windows are."""

from __future__ import annotations

import os
from collections.abc import Callable

from playwright.sync_api import BrowserContext, ViewportSize

CHROMIUM = os.environ.get("HUFU_CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE: ViewportSize = {"width": 1280, "height": 900}
NARROW: ViewportSize = {"width": 360, "height": 740}
MILLISECONDS = 20_000

NewBrowser = Callable[..., BrowserContext]
