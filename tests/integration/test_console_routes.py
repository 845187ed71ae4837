"""Every address of the console × every method × everybody who may ask: answered as its declaration says, or refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule, UnicodeConverter

from hufu_console import urls
from hufu_console.app import create_app
from hufu_console.sign_in_server import SignInServer
from hufu_console.web.context import Services
from hufu_console.web.converters import CONVERTERS, ObjectConverter
from hufu_console.web.routing import PUBLIC, Route
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import FEATURES
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Role
from tests.kit.accounts import official
from tests.kit.addresses import Ground, filled, is_walked
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import console_settings, csrf_token, make_console, signed_in
from tests.kit.staff import Staff, only_looking

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
LOOKS_ONLY = frozenset(one for feature in FEATURES for one in feature.permissions if one.name.startswith("see_"))
# What stands in an address at each kind of place although it is none of ours.
HOSTILE = ("0", "9" * 30, "１２", "%00", "..%2F%27%20OR%201%3D1--", "x" * 300, str(uuid4()))
# Whose answer comes from the sign-in server, which does not stand in these tests.
ELSEWHERE = frozenset(
    {
        "sign_in.start", "sign_in.callback", "sign_in.change_password", "sign_in.change_one_time_password",
        "sign_in.sign_out", "sign_in.signed_out", "sign_in.backchannel_logout",
    }
)  # fmt: skip
NOT_REFUSED = frozenset({200, 303, 409, 422, 429})


@dataclass(frozen=True)
class WalkedConsole:
    """One of everything that has an address; `ids` fill the places of a rule, by their names."""

    app: Flask
    staff: Staff
    ids: Mapping[str, str]
    people: Mapping[str, AccountId]
    feature: str

    def browser(self, who: str) -> FlaskClient:
        if who == "nobody":
            return self.app.test_client()
        return signed_in(self.app, self.staff.services, self.people[who])

    def address(self, rule: Rule, **others: str) -> str:
        """Raises KeyError where a place of the rule cannot be filled."""
        return filled(rule, dict(self.ids) | others)


@pytest.fixture
def scene(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path, feature: str
) -> WalkedConsole:
    """測試隊 with one of everything; 測試部's manager does not cover it."""
    app = make_console(services, tmp_path, gallery=True)
    chief = official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER)
    ids = Ground(Desk(services, chain, clock, app), chief.id).one_of_each()
    people = {
        "plain": official(services, chain[3], "plain1").id,
        "foreign": official(services, chain[1], "foreign1", role=Role.AGENCY_MANAGER).id,
        "reader": official(services, chain[3], "reader1", role=Role.AGENCY_MANAGER).id,
        "system": chief.id,
    }
    return WalkedConsole(app, Staff(services), ids, people, feature)


def declared() -> Mapping[str, Route]:
    return {route.endpoint: route for route in urls.routes(gallery=True)}


def rules(scene: WalkedConsole) -> list[tuple[Rule, Route]]:
    """What the application really answers, each with its declaration."""
    routes = declared()
    answered = [rule for rule in scene.app.url_map.iter_rules() if is_walked(rule, scene.feature)]
    # Whoever signs out is nobody from then on.
    return [
        (rule, routes[rule.endpoint]) for rule in sorted(answered, key=lambda rule: rule.endpoint == "sign_in.sign_out")
    ]


def known(scene: WalkedConsole, rule: Rule) -> set[str]:
    """The methods that this address takes, whichever route of it answers."""
    same = [other for other in scene.app.url_map.iter_rules() if other.rule == rule.rule]
    return {method for other in same for method in other.methods or ()}


def walk(scene: WalkedConsole, who: str, expect: Callable[[Route, int, str], bool]) -> list[str]:
    """The addresses that answered otherwise than expected: endpoint, method and status."""
    wrong, browser = [], scene.browser(who)
    token = csrf_token(browser)
    for rule, route in rules(scene):
        place, taken = scene.address(rule), rule.methods or set()
        for method in METHODS:
            if method in known(scene, rule) - taken:
                continue
            answer = browser.open(place, method=method, data={"csrf_token": token} if method == "POST" else None)
            right = (
                expect(route, answer.status_code, answer.location or "")
                if method in taken
                else answer.status_code == 405
            )
            # Flask itself says which methods an address takes, to whoever may ask.
            if not right and not (method == "OPTIONS" and answer.status_code == 200):
                wrong.append(f"{route.endpoint} {method} {answer.status_code} {answer.location or ''}")
    return wrong


def answers(route: Route, status: int, location: str) -> bool:
    """Somebody for whom it is gets an answer."""
    if route.endpoint in ELSEWHERE:
        return status in {200, 302, 303, 400, 503}
    return (
        status in NOT_REFUSED | {404} if route.asks is PUBLIC else status in NOT_REFUSED and "/sign-in" not in location
    )


def signed_in_only(route: Route, status: int, location: str) -> bool:
    """Somebody signed in is answered, but for what is another's own."""
    own = route.endpoint.startswith(("bell.", "exports.", "filters.")) and "<" in route.rule
    return status == 404 if own else answers(route, status, location)


def system_only(route: Route) -> bool:
    return all(one.roles <= {Role.SYSTEM_MANAGER} for one in route.permissions)


def to_nobody(route: Route, status: int, location: str) -> bool:
    return answers(route, status, location) if route.is_open else (status, location[:8]) == (303, "/sign-in")


def to_plain(route: Route, status: int, location: str) -> bool:
    if not route.permissions and not route.is_open:
        return signed_in_only(route, status, location)
    if not route.permissions:
        return answers(route, status, location)
    return status == (403 if system_only(route) else 404)


def to_foreign(route: Route, status: int, location: str) -> bool:
    """He has a manager's permissions, and over none of these objects."""
    if not route.permissions and not route.is_open:
        return signed_in_only(route, status, location)
    if not route.permissions:
        return answers(route, status, location)
    if system_only(route):
        return status == 403
    return status == 404 if "<" in route.rule else answers(route, status, location)


def to_reader(route: Route, status: int, location: str) -> bool:
    """He manages the very agency, and may only look."""
    if not route.permissions and not route.is_open:
        return signed_in_only(route, status, location)
    return (
        answers(route, status, location) if not route.permissions or route.permissions & LOOKS_ONLY else status == 403
    )


@pytest.mark.parametrize(
    ("who", "expect"),
    [
        ("nobody", to_nobody),
        ("plain", to_plain),
        ("foreign", to_foreign),
        ("reader", to_reader),
        ("system", answers),
    ],
)
def test_every_address_answers_as_it_is_declared(
    scene: WalkedConsole, who: str, expect: Callable[[Route, int, str], bool]
) -> None:
    before = scene.staff.recorded()
    with only_looking() if who == "reader" else nullcontext():
        assert walk(scene, who, expect) == []
    if who != "system":
        # 立即同步 of one's own account is everybody's, and so is the spreadsheet of a list that one may see.
        assert set(scene.staff.recorded()[len(before) :]) <= {"account.sync_requested", "list.exported"}


def test_what_is_no_id_of_ours_is_not_found_by_any_route(scene: WalkedConsole) -> None:
    wrong, browser = [], scene.browser("system")
    token = csrf_token(browser)
    for rule, route in rules(scene):
        for place in rule.arguments - set(route.values):
            typed = not isinstance(rule._converters[place], UnicodeConverter | ObjectConverter)
            for hostile in HOSTILE:
                address = scene.address(rule, **{place: hostile})
                for method in {"GET", "POST"} & (rule.methods or set()):
                    answer = browser.open(
                        address, method=method, data={"csrf_token": token} if method == "POST" else None
                    )
                    # Strangers have to prove a mailbox first; and what the registry does not know (any more) still has
                    # its history.
                    right = answer.status_code in (
                        {200, 303, 404} if route.is_open else {404} if typed else {200, 303, 404}
                    )
                    if not right:
                        wrong.append(f"{method} {address} {answer.status_code}")
    assert not wrong, chr(10).join(wrong)


def test_no_address_takes_what_no_database_can_hold(scene: WalkedConsole) -> None:
    """NUL in a value, in a name, in the query and in a form is refused before anything else looks at it."""
    wrong, browser = [], scene.browser("system")
    token = csrf_token(browser)
    for rule, route in rules(scene):
        address = scene.address(rule)
        for method in {"GET", "POST"} & (rule.methods or set()):
            for query, field in (("words=a%00", ""), ("a%00=b", ""), ("", "a\x00")):
                form = {"csrf_token": token, "words": field}
                answer = browser.open(
                    address, method=method, query_string=query, data=form if method == "POST" else None
                )
                if answer.status_code != 422 and (query or method == "POST"):
                    wrong.append(f"{method} {route.endpoint} {query} {answer.status_code}")
    assert not wrong, chr(10).join(wrong)


def test_strangers_send_a_few_kilobytes(scene: WalkedConsole) -> None:
    """More is refused unread, whatever it says of its length; the longest application, in Chinese, fits."""
    browser = scene.browser("nobody")
    token = csrf_token(browser)
    for rule, route in rules(scene):
        if not route.is_open or "POST" not in (rule.methods or set()):
            continue
        address = scene.address(rule)
        assert browser.post(address, data={"csrf_token": token, "name": "\u0301" * 75_000}).status_code == 413, address
        streamed = browser.open(
            address,
            method="POST",
            input_stream=BytesIO(b"name=" + b"x" * 20_000),
            environ_overrides={"wsgi.input_terminated": True},
            content_type="application/x-www-form-urlencoded",
        )
        assert streamed.status_code == 413, address
    longest = {
        "name": "名" * 64,
        "title": "稱" * 60,
        "unit_name": "科" * 64,
        "reason": "因" * 500,
        "account_name": "a" * 15,
    }
    assert browser.post("/apply/form", data={"csrf_token": token, **longest}).status_code != 413


def test_every_converter_is_used() -> None:
    used = {name for route in declared().values() for name in CONVERTERS if f"<{name}:" in route.rule}
    assert used == set(CONVERTERS)


def test_a_route_without_a_permission_does_not_start(
    services: SqlServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that names none, nor one that was put past the declarations."""
    nothing: tuple[Any, ...] = (None, frozenset(), "see_cases")
    for asks in nothing:
        with pytest.raises(TypeError, match=r"x\.y names no permission"):
            Route("/x", "x.y", str, asks)
    secretly: Callable[..., object] = lambda app: app.add_url_rule("/x", "x.y", str)  # noqa: E731
    monkeypatch.setattr(
        "hufu_console.web.converters.set_up", lambda app: (app.url_map.converters.update(CONVERTERS), secretly(app))
    )
    settings = console_settings(tmp_path)
    server = SignInServer(settings.issuer_url, "hufu-console", "secret")
    with pytest.raises(LookupError, match=r"x\.y"):
        create_app(settings, Services(services, server))
