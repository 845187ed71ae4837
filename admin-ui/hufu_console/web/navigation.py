"""What stands in the header of every page, and what waits for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request, url_for

from hufu_console.web.feature import composition
from hufu_console.web.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Item:
    word: str
    url: str
    current: bool
    count: int = 0


def items(viewer: Viewer) -> list[Item]:
    """The pages this official may open, and what waits for him there and below."""
    composed = composition()
    entries = [entry for entry in composed.menu if composed.opens(entry.endpoint, viewer)]
    urls = {url_for(entry.endpoint): entry for entry in entries}
    current = nearest(request.path, urls) if request.endpoint else None
    counts = dict.fromkeys(urls, 0)
    for endpoint in composed.waits:
        url = nearest(url_for(endpoint), urls)
        if url is not None and composed.opens(endpoint, viewer):
            counts[url] += waiting(endpoint)
    return [Item(str(entry.word), url, url == current, counts[url]) for url, entry in urls.items()]


def nearest(path: str, urls: Mapping[str, object]) -> str | None:
    """The deepest of the addresses at or above the path; the first page has nothing below it."""
    above = [url for url in urls if path == url or (url != "/" and path.startswith(f"{url}/"))]
    return max(above, key=len, default=None)


def waiting(endpoint: str) -> int:
    """How much waits there for the viewer, who may open it; counted once a request."""
    counted: dict[str, int] = g.setdefault("waiting", {})
    if endpoint not in counted:
        counted[endpoint] = composition().waits[endpoint].count(g.viewer)
    return counted[endpoint]


@dataclass(frozen=True, slots=True)
class Beside:
    word: str
    items: list[Item]


def tabs() -> Beside:
    """The pages beside this one, by the name under which they stand in the header. Raises StopIteration off them."""
    composed, current = composition(), request.endpoint
    under = next(tab.under for tab in composed.tabs if tab.endpoint == current)
    word = next(entry.word for entry in composed.menu if entry.endpoint == under)
    shown = [tab for tab in composed.tabs if tab.under == under and composed.opens(tab.endpoint, g.viewer)]
    return Beside(
        str(word),
        [
            Item(
                str(tab.word), url_for(tab.endpoint), tab.endpoint == current,
                waiting(tab.endpoint) if tab.endpoint in composed.waits else 0,
            )
            for tab in shown
        ],
    )  # fmt: skip


def page_values() -> dict[str, Any]:
    """The functions are asked by the templates that show what they find: a part of a page counts nothing for it.

    `opens` says whether the viewer may go to an endpoint that a page would lead to.
    """
    viewer = g.get("viewer")
    return {
        "viewer": viewer,
        "navigation": lambda: items(viewer) if viewer else [],
        "opens": lambda endpoint: viewer is not None and composition().opens(endpoint, viewer),
        "tabs": tabs,
        "foot": lambda: composition().foot,
        "waiting": waiting,
        "restored": bool(g.get("restored")),
    }


def set_up(app: Flask) -> None:
    app.context_processor(page_values)
