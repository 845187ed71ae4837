"""What a feature brings to the console: it says so itself, in its `feature.py`; nobody else lists features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import chain
from typing import Any, TypeVar, cast

from flask import Flask, Response, current_app
from flask_wtf import FlaskForm

from hufu_console.web import doors
from hufu_console.web.doors import Door
from hufu_console.web.general_sentences import GENERAL
from hufu_console.web.lists import ListPage
from hufu_console.web.routing import Route
from hufu_console.web.viewer import Viewer
from hufu_registry.kernel.errors import HufuError

K = TypeVar("K", bound=str)
T = TypeVar("T")
EXTENSION = "hufu_composition"
# A sentence in both languages, or what makes one of the error's context.
Sentence = Any


class MenuGroup(Enum):
    """Where an entry of the menu stands, from top to bottom; `OWN` are those of the account menu in the top bar."""

    HOME = "home"
    TASKS = "tasks"
    REQUESTS = "requests"
    INFORMATION = "information"
    ACCOUNTS = "accounts"
    ORGANISATION = "organisation"
    ASSETS = "assets"
    MESSAGES = "messages"
    SYSTEM = "system"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """In the menu of every page, for whoever may open `endpoint`; the lowest `position` comes first in its group."""

    word: Any
    endpoint: str
    group: MenuGroup
    position: int = 0


@dataclass(frozen=True, slots=True)
class FootLink:
    """At the foot of every page; the lowest `position` comes first."""

    word: Any
    endpoint: str
    position: int


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the pages that stand beside each other below the menu's entry for `under`."""

    under: str
    word: Any
    endpoint: str
    position: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """How much waits for somebody at `endpoint`; counted where he may open it, and shown at its tab, and in the menu
    where it stands among the tasks. `said` is a sentence of it for the page `on`, whose link may narrow the list by
    `filters`.
    """

    endpoint: str
    count: Callable[[Viewer], int]
    on: str = ""
    said: Callable[[int], object] = str
    filters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HomeBlock:
    """A part of the first page; its template finds what is `shown` as `block`; None where it is not for this viewer."""

    template: str
    position: int
    shown: Callable[[Viewer], object | None]


@dataclass(frozen=True, slots=True)
class Followed:
    """What an applicant can do on the page of his own case, by its type: the endpoint where he changes it, if anywhere,
    and the form of what that page asks him.
    """

    change: str = ""
    form: type[FlaskForm] = FlaskForm


@dataclass(frozen=True, slots=True)
class ConsoleFeature:
    """`name` is the folder's. `sentences` say in words what the rules' codes mean; `answers` are for codes that lead
    somewhere instead of to a page of error. `template_values` are what any template may ask for by these names.
    `labels` are its words for codes that others' pages show too, by what they are the words of: `event` (in timelines,
    by the audit's action; `event_tag` is its colour), `run_cause` (why the targets are busy), `dependent` (what still
    hangs on an agency), `role`, `account_state` (`account_state_tag` is its colour), `disable_cause`, `target`.
    `tabs` are its pages that stand beside others', `doors` those that every page leads to, `foot` those at its foot.
    `bell` are the addresses of its pages that a notice's bell leads to, by the kind that its type names, each made
    from the object's id.
    `searched` are the lists that the search over everything looks in, for whoever may open them.
    `approvals` are the forms of types of cases that ask the manager for something when he approves, `followed` what
    types have on the page of the applicant's own case.
    """

    name: str
    routes: tuple[Route, ...]
    menu: tuple[MenuEntry, ...] = ()
    tabs: tuple[Tab, ...] = ()
    foot: tuple[FootLink, ...] = ()
    doors: Mapping[Door, str] = field(default_factory=dict)
    waits: tuple[Waiting, ...] = ()
    home: tuple[HomeBlock, ...] = ()
    sentences: Mapping[str, Sentence] = field(default_factory=dict)
    answers: Mapping[str, Callable[[HufuError], Response]] = field(default_factory=dict)
    template_values: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    searched: tuple[ListPage[Any], ...] = ()
    approvals: Mapping[str, type[FlaskForm]] = field(default_factory=dict)
    followed: Mapping[str, Followed] = field(default_factory=dict)
    bell: Mapping[str, Callable[[str], str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Composition:
    """All features together."""

    features: tuple[ConsoleFeature, ...]
    routes: Mapping[str, Route]
    menu: Sequence[MenuEntry]
    tabs: Sequence[Tab]
    foot: Sequence[FootLink]
    doors: Mapping[Door, str]
    waits: Mapping[str, Waiting]
    home: Sequence[HomeBlock]
    sentences: Mapping[str, Sentence]
    answers: Mapping[str, Callable[[HufuError], Response]]
    template_values: Mapping[str, object]
    labels: Mapping[str, Mapping[str, Any]]
    searched: Sequence[ListPage[Any]]
    approvals: Mapping[str, type[FlaskForm]]
    followed: Mapping[str, Followed]
    bell: Mapping[str, Callable[[str], str]]

    def opens(self, endpoint: str, viewer: Viewer) -> bool:
        """Whether the viewer may go there."""
        return self.routes[endpoint].refusal(viewer.rights) is None


def compose(features: Sequence[ConsoleFeature]) -> Composition:
    """Raises ValueError where two features say the same thing, or one names an address that is nobody's."""
    routes = once((route.endpoint, route) for feature in features for route in feature.routes)
    order = list(MenuGroup)
    menu = sorted(
        (entry for feature in features for entry in feature.menu),
        key=lambda entry: (order.index(entry.group), entry.position),
    )
    tabs = sorted((tab for feature in features for tab in feature.tabs), key=lambda tab: tab.position)
    waits = once((waiting.endpoint, waiting) for feature in features for waiting in feature.waits)
    foot = sorted((entry for feature in features for entry in feature.foot), key=lambda entry: entry.position)
    leading = once(pair for feature in features for pair in feature.doors.items())
    heads = {entry.endpoint for entry in menu}
    feet = {entry.endpoint for entry in foot}
    followed = once(pair for feature in features for pair in feature.followed.items())
    changes = {pages.change for pages in followed.values() if pages.change}
    told = {waiting.on for waiting in waits.values() if waiting.on}
    named = heads | feet | changes | told | {tab.endpoint for tab in tabs} | {*waits, *leading.values()}
    unknown = named - set(routes) | {tab.under for tab in tabs} - heads
    if unknown:
        message = f"There is no route {', '.join(sorted(unknown))}."
        raise ValueError(message)
    return Composition(
        features=tuple(features),
        routes=routes,
        menu=menu,
        tabs=tabs,
        foot=foot,
        doors=leading,
        waits=waits,
        home=sorted((block for feature in features for block in feature.home), key=lambda block: block.position),
        sentences=once(chain(GENERAL.items(), *(feature.sentences.items() for feature in features))),
        answers=once(pair for feature in features for pair in feature.answers.items()),
        template_values=once(pair for feature in features for pair in feature.template_values.items()),
        labels={
            kind: once(pair for feature in features for pair in feature.labels.get(kind, {}).items())
            for kind in {kind for feature in features for kind in feature.labels}
        },
        searched=[of for feature in features for of in feature.searched],
        approvals=once(pair for feature in features for pair in feature.approvals.items()),
        followed=followed,
        bell=once(pair for feature in features for pair in feature.bell.items()),
    )


def once(pairs: Iterable[tuple[K, T]]) -> dict[K, T]:
    declared: dict[K, T] = {}
    for name, value in pairs:
        if name in declared:
            message = f"Two features declare {name}."
            raise ValueError(message)
        declared[name] = value
    return declared


def composition() -> Composition:
    return cast("Composition", current_app.extensions[EXTENSION])


def set_up(app: Flask, composed: Composition) -> None:
    app.extensions[EXTENSION] = composed
    doors.set_up(app, composed.doors)
    app.jinja_env.globals.update(composed.template_values)
