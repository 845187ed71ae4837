"""Whether a page is fit to be shown: axe-core finds nothing, and nothing hangs over the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, ViewportSize

from hufu_console import urls
from hufu_console.web.routing import Route
from tests.kit.browser.chromium import NARROW, WIDE

AXE = (Path(__file__).resolve().parents[3] / "node_modules" / "axe-core" / "axe.min.js").read_text()
RUN = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations.map(
    (one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" | ").slice(0, 600)}`)"""
OVERHANG = """() => {
    const edge = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= edge) return [];
    return [...document.body.querySelectorAll("*")]
        .filter((one) => one.getBoundingClientRect().right > edge + 0.5)
        .map((one) => one.outerHTML.slice(0, 120)).slice(-3).concat("hangs over");
}"""


@dataclass(frozen=True, slots=True)
class View:
    """How a page is looked at; `text` is how large its letters are, as a share of the usual. Without `axe` it is only
    seen whether it fits.
    """

    name: str
    scheme: Literal["light", "dark"] = "light"
    size: ViewportSize = field(default_factory=lambda: WIDE)
    forced_colors: Literal["active", "none"] = "none"
    text: float = 1.0
    axe: bool = True


USUAL_LETTERS = 16
# Colours hang on the scheme alone and layout on the width alone, so two of the four pairs see everything.
VIEWS = (View("light, wide"), View("dark, 360 px", scheme="dark", size=NARROW))
EVERY_VIEW = (
    *VIEWS,
    View("forced colours", forced_colors="active"),
    View("320 px", size={"width": 320, "height": 640}, axe=False),
    View("200 % text", text=2.0, axe=False),
)


def judge(page: Page, *, views: Sequence[View] = VIEWS, in_english: bool = True) -> None:
    """In each view; and in English, whose words are longer, whether it still fits."""
    letters = page.context.new_cdp_session(page)
    for view in views:
        page.emulate_media(color_scheme=view.scheme, forced_colors=view.forced_colors)
        page.set_viewport_size(view.size)
        letters.send("Page.setFontSizes", {"fontSizes": {"standard": round(USUAL_LETTERS * view.text)}})
        faults = page.evaluate(OVERHANG)
        if view.axe:
            page.evaluate("typeof axe === 'undefined'") and page.evaluate(AXE)
            faults += page.evaluate(RUN)
        assert not faults, f"{page.url} ({view.name}): {faults}"
    if in_english:
        chinese = page.url
        for language in ("en", "zh_Hant_TW"):
            joint = "&" if "?" in chinese else "?"
            page.goto(f"{chinese}{joint}language={language}")
            faults = page.evaluate(OVERHANG)
            assert not faults, f"{page.url}: {faults}"
    letters.send("Page.setFontSizes", {"fontSizes": {"standard": USUAL_LETTERS}})
    letters.detach()
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light", forced_colors="none")


def is_page(route: Route) -> bool:
    return "GET" in route.methods


# Parts of pages, redirects to the sign-in server, and what machines ask.
NO_PAGES = frozenset(
    {
        "home.healthz", "public.agency_search", "sign_in.start", "sign_in.callback", "sign_in.signed_out", "accounts.progress",
        "accounts.my_progress", "agencies.found", "agencies.pick", "exports.download", "exports.progress", "sync.now",
        "sync.picture", "sync.progress", "sign_in.time_left",
    }
)  # fmt: skip


def page_endpoints() -> frozenset[str]:
    """What is a page that people look at."""
    return frozenset(route.endpoint for route in urls.routes(gallery=False) if is_page(route)) - NO_PAGES
