"""hufu-realm changes the flows of a realm while people sign in to it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import yaml

from hufu_realm import flow
from hufu_realm.apply import apply
from hufu_realm.command import DATA
from hufu_realm.difference import plan
from hufu_realm.model import Desired, Kind
from hufu_realm.observe import observe
from hufu_realm.server import Server
from hufu_stack import person
from hufu_stack.stack import Stack
from tests.kit.realms import PASSWORD, TIMEOUT, Person, ScratchRealm, claims_of, scratch_realm

PEOPLE = 4
CHANGES = 2  # there and back
LONGER_THAN_A_SIGN_IN = 6.0  # of the people here; the machine may be busy
# Of what a realm is made of, what the changes below are about.
FLOWS = (Kind.FLOW, Kind.BINDINGS)

Executions = list[dict[str, Any]]


@pytest.fixture(scope="module")
def realm(stack: Stack) -> Iterator[ScratchRealm]:
    with scratch_realm(stack, "none") as made:
        # So that one person can sign in time after time. Whole, for of settings that belong together Keycloak ignores one.
        made.server().put("", {**made.server().get(""), "otpPolicyCodeReusable": True})
        yield made


@pytest.fixture(scope="module")
def people(realm: ScratchRealm) -> list[Person]:
    found = [realm.person() for _ in range(PEOPLE)]
    for one in found:
        one.activate()
    return found


def flows(realm: ScratchRealm, folder: Path = DATA) -> Desired:
    desired = realm.desired(folder)
    return Desired(realm.name, tuple(part for part in desired.parts if part.name.kind in FLOWS))


def with_browser_flow(realm: ScratchRealm, folder: Path, change: Callable[[Executions], None]) -> Desired:
    """The flows of our data with another browser flow."""
    documents = list(yaml.safe_load_all((DATA / "40-flows.yaml").read_text()))
    change(documents[0]["body"]["executions"])
    folder.mkdir(exist_ok=True)
    (folder / "40-flows.yaml").write_text(yaml.safe_dump_all(documents, allow_unicode=True))
    return flows(realm, folder)


def add_a_step(executions: Executions) -> None:
    executions.insert(1, {"provider": "identity-provider-redirector", "requirement": "ALTERNATIVE"})


def ask_for_the_password_sooner(executions: Executions) -> None:
    executions[1]["executions"][0]["executions"][0]["config"]["loa-max-age"] = "3600"


def change(realm: ScratchRealm, desired: Desired) -> int:
    server = realm.server()
    apply(server, desired, lambda _: None)
    return server.writes


def aliases(realm: ScratchRealm) -> set[str]:
    return {one["alias"] for one in realm.server().get("/authentication/flows")}


def execution_ids(realm: ScratchRealm) -> list[str]:
    return [one["id"] for one in realm.server().get("/authentication/flows/hufu%20browser/executions")]


def sign_in(who: Person) -> None:
    assert who.otp
    who.otp = person.Authenticator(who.otp.secret)
    claims, _ = who.sign_in()
    assert claims["acr"] == "2"


class Halfway:
    """Somebody who is in the middle of a sign-in."""

    def __init__(self, who: Person, *, password_given: bool) -> None:
        self.who, self.session = who, person.new_session()
        self.page = self.session.get(who.realm.sign_in_address(), timeout=TIMEOUT)
        if password_given:
            self.submit({"username": who.name, "password": PASSWORD}, holding="password")

    def submit(self, fields: dict[str, str], holding: str) -> None:
        self.page = person.submit(self.session, self.page, fields, holding=holding)

    def go_on(self) -> str:
        """Sign in to the end; where that leads, since nobody listens there."""
        assert self.who.otp
        with pytest.raises(requests.ConnectionError) as landed:
            person.go_on(self.session, self.page, self.who.name, PASSWORD, self.who.otp.secret)
        request = landed.value.request
        assert request
        return str(request.url)


@dataclass
class Crowd:
    """People who sign in one time after the other until they are told to stop."""

    people: list[Person]
    done: int = 0
    failures: list[str] = field(default_factory=list)
    _enough: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(len(self.people))
        self._running = [self._pool.submit(self._sign_in, one) for one in self.people]
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._pool.shutdown()
        self.done = sum(one.result() for one in self._running)

    def _sign_in(self, who: Person) -> int:
        done = 0
        while not self._enough.is_set():
            try:
                sign_in(who)
                done += 1
            except (person.PersonError, requests.RequestException, KeyError, AssertionError) as problem:
                self.failures.append(f"{type(problem).__name__}: {problem}")
        return done


def test_nobody_fails_to_sign_in_while_the_flow_changes(
    realm: ScratchRealm, people: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "LEFT_TO_FINISH", LONGER_THAN_A_SIGN_IN)
    longer = with_browser_flow(realm, tmp_path, add_a_step)
    before = len(aliases(realm))
    with Crowd(people) as crowd:
        for number in range(CHANGES):
            assert change(realm, flows(realm) if number % 2 else longer)
    print(f"{crowd.done} sign-ins, {CHANGES} changes, {len(crowd.failures)} failures")
    assert crowd.failures == []
    assert crowd.done > CHANGES
    assert len(aliases(realm)) == before


@pytest.mark.parametrize("password_given", [False, True])
def test_who_is_in_the_middle_goes_on(
    realm: ScratchRealm, people: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, password_given: bool
) -> None:
    somebody = Halfway(people[0], password_given=password_given)
    landed: list[str] = []
    monkeypatch.setattr(flow, "sleep", lambda _: landed.append(somebody.go_on()))
    change(realm, with_browser_flow(realm, tmp_path, add_a_step))
    assert "code=" in landed[0]
    monkeypatch.setattr(flow, "sleep", lambda _: None)
    change(realm, flows(realm))


def test_who_is_signed_in_already_and_who_reads_discovery_notice_nothing(
    realm: ScratchRealm, people: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keycloak adds up the levels of all steps of a flow, and of two versions it cannot."""
    somebody = Halfway(people[2], password_given=True)
    somebody.go_on()

    def look(_: float) -> None:
        with pytest.raises(requests.ConnectionError) as landed:
            somebody.session.get(realm.sign_in_address(), timeout=TIMEOUT)
        assert landed.value.request
        code = parse_qs(urlsplit(str(landed.value.request.url)).query)["code"][0]
        tokens = realm.token(grant_type="authorization_code", code=code, redirect_uri=realm.redirect)
        seen.append(claims_of(tokens["id_token"])["acr"])
        found = requests.get(f"{realm.issuer}/.well-known/openid-configuration", timeout=TIMEOUT)
        seen.append(found.json()["acr_values_supported"])

    seen: list[Any] = []
    monkeypatch.setattr(flow, "sleep", look)
    change(realm, with_browser_flow(realm, tmp_path, add_a_step))
    change(realm, flows(realm))
    assert seen == ["2", ["2"]] * 2


def test_who_takes_longer_is_asked_to_begin_again(
    realm: ScratchRealm, people: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "LEFT_TO_FINISH", 0)
    somebody = Halfway(people[1], password_given=True)
    change(realm, with_browser_flow(realm, tmp_path, add_a_step))
    somebody.submit({"otp": "000000"}, holding="otp")
    assert 'name="password"' in somebody.page.text
    assert 'aria-invalid="true"' not in somebody.page.text
    assert "code=" in somebody.go_on()
    change(realm, flows(realm))


def test_what_takes_one_request_is_done_in_place(realm: ScratchRealm, people: list[Person], tmp_path: Path) -> None:
    before = execution_ids(realm)
    assert change(realm, with_browser_flow(realm, tmp_path, ask_for_the_password_sooner)) == 1
    assert change(realm, flows(realm)) == 1
    assert execution_ids(realm) == before
    sign_in(people[0])


def test_a_run_interrupted_anywhere_is_mended_by_the_next(
    realm: ScratchRealm, people: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "LEFT_TO_FINISH", 0)
    shapes = [with_browser_flow(realm, tmp_path, add_a_step), flows(realm)]
    before = len(aliases(realm))
    writes = [change(realm, shape) for shape in shapes]
    for number in range(min(writes)):
        wanted = shapes[number % 2]
        with pytest.raises(InterruptedError):
            apply(dying(realm, after=writes[number % 2] - 1 - number), wanted, lambda _: None)
        sign_in(people[number % PEOPLE])
        change(realm, wanted)
        assert plan(wanted, observe(realm.server(), wanted)) == ()
        assert change(realm, wanted) == 0
        assert len(aliases(realm)) == before
        sign_in(people[number % PEOPLE])


def dying(realm: ScratchRealm, after: int) -> Server:
    """A server that is lost to us after so many writes."""
    server = realm.server()
    write = server._write

    def until_then(*arguments: Any) -> Any:
        if server.writes == after:
            raise InterruptedError
        return write(*arguments)

    server._write = until_then  # type: ignore[method-assign, assignment]
    return server
