"""What a page costs the database: one read-only transaction, and as many statements for twenty rows as for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel import store
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, request_code
from hufu_registry.rights.use_cases import appoint_manager
from hufu_registry.sync.model import Code
from hufu_registry.sync.store.tables import applied_steps, sign_in_records
from tests.kit.accounts import official
from tests.kit.cases import APPLICANT, Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code, signed_in
from tests.kit.statements import Recorder, recorded
from tests.kit.sync_scenes import all_done, drifted, exported, held, key_of, park, planned, sampled

# A page asks at most so much, with who looks at it, what he may do, and what waits for him.
MOST_STATEMENTS = 23
# Signing in is Keycloak's answer to a redirect: its protocol has no other way than a GET.
NOT_READ = frozenset({"sign_in.start", "sign_in.callback", "static"})
BROWSER = "browser of wang"


@dataclass
class Scene:
    """Twenty of everything, or one; the pages looked at are those of the first."""

    services: SqlServices
    clock: SetClock
    desk: Desk
    agencies: Sequence[Agency]
    viewer: Account
    applicant: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    losing: list[Account] = field(default_factory=list)
    count: int = 0

    def grow(self, rows: int) -> None:
        for _ in range(rows):
            self.add_row()

    def add_row(self) -> None:
        self.count += 1
        number, team = self.count, self.agencies[3]
        case_id = self.desk.apply_at(team, mobile=f"0933{number:06}")
        manager = official(self.services, team, f"manager{number}", role=Role.SYSTEM_MANAGER)
        losing = official(self.services, team, f"loser{number}")
        appoint_manager(manager.id, team.id, self.services, OPERATOR)
        add_unit(AddUnit(team.id, f"第{number}科", ""), self.services, OPERATOR)
        all_done(self.services)
        self.losing.append(losing)
        run_id = planned(self.services, manager.id, losing)
        held_id = held(self.services, manager.id, [losing], most=0)
        for one in self.losing:
            park(self.services, key_of(one.id), Code.UNEXPECTED)
        drifted(self.services, key_of(losing.id), title=("科長", "科員"))
        sampled(self.services, Target.AD, [(self.clock.now() - timedelta(minutes=number), 1, 2, 3, 4)])
        first = self.values.get("account", losing)
        with self.services.engine.begin() as connection:
            connection.execute(
                sa.insert(applied_steps).values(
                    target="ad", kind="account", object_id=str(first.id), step="set_fields", at=self.clock.now()
                )
            )
            connection.execute(
                sa.insert(sign_in_records),
                [
                    {"event_id": uuid4().hex, "account_id": who, "type": "LOGIN", "at": self.clock.now()}
                    for who in (first.id, self.viewer.id)
                ],
            )
        for name, value in {"account": losing, "case_id": case_id, "run_id": run_id, "held_id": held_id}.items():
            self.values.setdefault(name, value)

    def prove(self, purpose: Purpose) -> None:
        """The browser of an applicant, with a mailbox that it proved."""
        self.clock.advance(seconds=61)
        request_code(RequestCode(BROWSER, purpose, self.applicant, "zh_Hant_TW"), self.services, APPLICANT)
        enter_code(EnterCode(BROWSER, purpose, last_code(self.services)), self.services, APPLICANT)

    def at(self, rule: Rule) -> dict[str, Any]:
        account = self.values["account"]
        known = {
            "account_id": account.id,
            "case_id": self.values["case_id"],
            "run_id": self.values["run_id"],
            "held_id": self.values["held_id"],
            "agency_id": self.agencies[3].id,
            "target": Target.AD.value,
            "kind": Kind.ACCOUNT.value,
            "object_id": str(account.id),
            "field": "title",
            "export_id": self.values["export_id"],
        }
        return {name: known[name] for name in rule.arguments - (rule.defaults or {}).keys()}


@pytest.fixture
def scene(app: Flask, services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> Scene:
    viewer = official(services, chain[0], "sysmanager", role=Role.SYSTEM_MANAGER)
    scene = Scene(services, clock, Desk(services, chain, clock, app), chain, viewer)
    scene.grow(1)
    scene.values["export_id"] = exported(services, viewer.id)
    scene.applicant = "person1@example.org"
    for purpose in Purpose:
        scene.prove(purpose)
    return scene


def pages(app: Flask) -> Iterator[Rule]:
    """Every address that is looked at."""
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and rule.endpoint not in NOT_READ:
            yield rule


def looked_at(app: Flask, scene: Scene, browser: FlaskClient) -> Mapping[str, Recorder]:
    """What each page asked, by its address's rule."""
    found: dict[str, Recorder] = {}
    adapter = app.url_map.bind("localhost")
    for rule in pages(app):
        address = adapter.build(rule.endpoint, scene.at(rule))
        with recorded(scene.services.engine) as recorder:
            answer = browser.get(address, query_string={"words": "測試", "parent_id": scene.agencies[0].id})
        assert answer.status_code in {200, 302, 303, 404, 409, 422}, (address, answer.status_code)
        found[rule.rule] = recorder
    return found


def browser_of(app: Flask, scene: Scene) -> FlaskClient:
    browser = signed_in(app, scene.services, scene.viewer.id)
    with browser.session_transaction() as session:
        session["browser"] = BROWSER
    return browser


def test_a_get_reads_in_one_transaction_that_cannot_write(app: Flask, scene: Scene) -> None:
    for rule, recorder in looked_at(app, scene, browser_of(app, scene)).items():
        assert recorder.writes == [], rule
        assert recorder.writable == [], rule
        assert recorder.transactions <= 1, rule


def test_twenty_rows_take_as_many_statements_as_one(app: Flask, scene: Scene) -> None:
    one = looked_at(app, scene, browser_of(app, scene))
    scene.grow(19)
    twenty = looked_at(app, scene, browser_of(app, scene))
    asked = {rule: (len(one[rule].statements), len(twenty[rule].statements)) for rule in one}
    assert {rule: counts for rule, counts in asked.items() if counts[0] != counts[1]} == {}
    assert {rule: counts for rule, counts in asked.items() if max(counts) > MOST_STATEMENTS} == {}


def test_a_sessions_use_is_noted_once_a_minute(app: Flask, scene: Scene) -> None:
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
    app: Flask, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.grow(24)
    browser = browser_of(app, scene)
    monkeypatch.setattr(store, "MOST_COUNTED", 20)
    assert "20+ 個帳號" in browser.get("/accounts").text
    assert "page=3" in browser.get("/accounts?page=2").text
    assert "page=4" not in browser.get("/accounts?page=3").text
