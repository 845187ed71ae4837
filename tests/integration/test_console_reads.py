"""What a page costs the database: one read-only transaction, and as many statements for twenty rows as for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel import store
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.permissions import Role
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, request_code
from tests.kit.accounts import official
from tests.kit.addresses import Ground, is_walked
from tests.kit.cases import APPLICANT, Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code, signed_in
from tests.kit.statements import Recorder, recorded

# A page asks at most so much, with who looks at it, what he may do, and what waits for him.
MOST_STATEMENTS = 26
# Signing in is Keycloak's answer to a redirect: its protocol has no other way than a GET.
NOT_READ = frozenset(
    {"sign_in.start", "sign_in.callback", "sign_in.change_password", "sign_in.change_one_time_password"}
)
BROWSER = "browser of wang"


@dataclass
class ReadPages:
    """Twenty of everything, or one; the pages looked at are those of the first."""

    services: SqlServices
    clock: SetClock
    agencies: Sequence[Agency]
    ground: Ground
    feature: str
    applicant: str = ""
    values: dict[str, str] = field(default_factory=dict)

    def grow(self, rows: int) -> None:
        for _ in range(rows):
            made = self.ground.one_of_each()
            self.values = self.values or made

    def prove(self, purpose: Purpose) -> None:
        """The browser of an applicant, with a mailbox that it proved."""
        self.clock.advance(seconds=61)
        request_code(RequestCode(BROWSER, purpose, self.applicant, "zh_Hant_TW"), self.services, APPLICANT)
        enter_code(EnterCode(BROWSER, purpose, last_code(self.services)), self.services, APPLICANT)

    def at(self, rule: Rule) -> dict[str, str]:
        return {name: self.values[name] for name in rule.arguments - (rule.defaults or {}).keys()}


@pytest.fixture
def scene(app: Flask, services: SqlServices, clock: SetClock, chain: Sequence[Agency], feature: str) -> ReadPages:
    viewer = official(services, chain[0], "sysmanager", role=Role.SYSTEM_MANAGER)
    scene = ReadPages(services, clock, chain, Ground(Desk(services, chain, clock, app), viewer.id), feature)
    scene.grow(1)
    scene.applicant = "person1@example.org"
    for purpose in Purpose:
        scene.prove(purpose)
    return scene


def pages(app: Flask, feature: str) -> Iterator[Rule]:
    """Every address that is looked at."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_READ and is_walked(rule, feature):
            yield rule


def looked_at(app: Flask, scene: ReadPages, browser: FlaskClient) -> Mapping[str, Recorder]:
    """What each page asked, by its address's rule."""
    found: dict[str, Recorder] = {}
    adapter = app.url_map.bind("localhost")
    for rule in pages(app, scene.feature):
        address = adapter.build(rule.endpoint, scene.at(rule))
        with recorded(scene.services.engine) as recorder:
            answer = browser.get(address, query_string={"words": "測試", "parent_id": scene.agencies[0].id})
        assert answer.status_code in {200, 302, 303, 404, 409, 422}, (address, answer.status_code)
        found[rule.rule] = recorder
    return found


def browser_of(app: Flask, scene: ReadPages) -> FlaskClient:
    browser = signed_in(app, scene.services, scene.ground.viewer)
    with browser.session_transaction() as session:
        session["browser"] = BROWSER
    return browser


def test_a_get_reads_in_one_transaction_that_cannot_write(app: Flask, scene: ReadPages) -> None:
    for rule, recorder in looked_at(app, scene, browser_of(app, scene)).items():
        assert recorder.writes == [], rule
        assert recorder.writable == [], rule
        assert recorder.transactions <= 1, rule


def test_twenty_rows_take_as_many_statements_as_one(app: Flask, scene: ReadPages) -> None:
    one = looked_at(app, scene, browser_of(app, scene))
    scene.grow(19)
    twenty = looked_at(app, scene, browser_of(app, scene))
    asked = {rule: (len(one[rule].statements), len(twenty[rule].statements)) for rule in one}
    assert {rule: counts for rule, counts in asked.items() if counts[0] != counts[1]} == {}
    assert {rule: counts for rule, counts in asked.items() if max(counts) > MOST_STATEMENTS} == {}


def test_a_sessions_use_is_noted_once_a_minute(app: Flask, scene: ReadPages) -> None:
    browser = browser_of(app, scene)

    def writes() -> int:
        with recorded(scene.services.engine) as recorder:
            browser.get("/me")
        return len(recorder.writes)

    assert [writes(), writes()] == [0, 0]
    scene.clock.advance(seconds=60)
    assert [writes(), writes()] == [1, 0]


def test_what_reads_is_refused_to_write_by_postgresql(services: SqlServices) -> None:
    with services.reading(SYSTEM) as work, pytest.raises(sa.exc.InternalError, match="read-only"):
        work.sessions.forget_before(work.now)


def test_a_long_list_is_not_counted_to_its_end_but_read_to_it(
    app: Flask, scene: ReadPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.grow(24)
    browser = browser_of(app, scene)
    monkeypatch.setattr(store, "MOST_COUNTED", 20)
    assert "20+ 個帳號" in browser.get("/accounts").text
    assert "page=3" in browser.get("/accounts?page=2").text
    assert "page=4" not in browser.get("/accounts?page=3").text


def test_a_page_beyond_the_end_of_a_list_is_its_last_one(app: Flask, scene: ReadPages) -> None:
    scene.grow(24)
    browser = browser_of(app, scene)
    assert "第 3 頁，共 3 頁" in browser.get("/accounts?page=99999").text
