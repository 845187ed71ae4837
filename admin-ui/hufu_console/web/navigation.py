"""The menu of every page, and what waits for whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, cast

from flask import Flask, g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hufu_console.web.context import reading
from hufu_console.web.doors import Door, endpoint_of
from hufu_console.web.feature import MenuGroup, composition
from hufu_console.web.viewer import Viewer
from hufu_registry.kernel.ids import AgencyId

# A group of one page, or of the account menu, needs no head.
HEADS: Mapping[MenuGroup, Any] = {
    MenuGroup.REQUESTS: _l("Online requests"),
    MenuGroup.INFORMATION: _l("Information services"),
    MenuGroup.ACCOUNTS: _l("Account management"),
    MenuGroup.ORGANISATION: _l("Organisation management"),
    MenuGroup.ASSETS: _l("Asset management"),
    MenuGroup.MESSAGES: _l("Message management"),
    MenuGroup.SYSTEM: _l("System management"),
}


@dataclass(frozen=True, slots=True)
class Item:
    word: str
    url: str
    current: bool
    count: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Entries that stand together, below a head where they have one; `name` is the group's."""

    name: str
    head: str
    items: Sequence[Item]


def menu() -> list[Group]:
    """The viewer's, made once a request; none for strangers."""
    if "menu" not in g:
        g.menu = groups(g.viewer) if g.get("viewer") else []
    return cast("list[Group]", g.menu)


def groups(viewer: Viewer) -> list[Group]:
    """The pages this official may open; how many of his tasks wait stands beside the tasks alone."""
    composed = composition()
    entries = [entry for entry in composed.menu if composed.opens(entry.endpoint, viewer)]
    urls = {url_for(entry.endpoint): entry for entry in entries}
    current = nearest(request.path, urls) if request.endpoint else None
    return [
        Group(
            group.value,
            str(HEADS.get(group, "")),
            [
                Item(
                    str(entry.word), url, url == current,
                    waiting(entry.endpoint) if group is MenuGroup.TASKS and entry.endpoint in composed.waits else 0,
                )
                for url, entry in found
            ],
        )
        for group, found in groupby(urls.items(), key=lambda pair: pair[1].group)
    ]  # fmt: skip


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


def told_on(page: str) -> list[Item]:
    """What waits for the viewer, in the words of those with whom it does, as they have it said on this page."""
    composed = composition()
    return [
        Item(str(found.said(waiting(endpoint))), url_for(endpoint, **found.filters), current=False)
        for endpoint, found in composed.waits.items()
        if found.on == page and composed.opens(endpoint, g.viewer)
    ]


def bell() -> Item:
    """What is new for the viewer, how much of it he has not read."""
    endpoint = endpoint_of(Door.BELL)
    return Item(_("Notifications"), url_for(endpoint), request.endpoint == endpoint, waiting(endpoint))


@dataclass(frozen=True, slots=True)
class Beside:
    word: str
    items: list[Item]


def tabs() -> Beside:
    """The pages beside this one, by the name under which they stand in the menu. Raises StopIteration off them."""
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


def places() -> list[tuple[AgencyId, str]]:
    """Where the viewer may choose to work, by name."""
    if not g.viewer.places:
        return []
    with reading() as work:
        found = work.agencies.several(g.viewer.places)
    return sorted(((place, agency.full_name) for place, agency in found.items()), key=lambda pair: pair[1])


def page_values() -> dict[str, Any]:
    """The functions are asked by the templates that show what they find: a part of a page counts nothing for it.

    `bell` is what is new for the viewer, `opens` whether he may go to an endpoint that a page would lead to.
    """
    viewer = g.get("viewer")
    return {
        "viewer": viewer,
        "menu": menu,
        "places": places,
        "opens": lambda endpoint: viewer is not None and composition().opens(endpoint, viewer),
        "tabs": tabs,
        "bell": bell,
        "foot": lambda: composition().foot,
        "waiting": waiting,
        "told_on": told_on,
        "restored": bool(g.get("restored")),
    }


def set_up(app: Flask) -> None:
    app.context_processor(page_values)
