"""What any sign-in server promises besides its state, asked of the one in memory and of Keycloak, with and without AD."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import requests

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import Delete, Observed, SetEnabled
from hufu_stack import person
from hufu_sync.errors import Conflict, Interrupted, Misconfigured, Refused, TargetError, Transient, Unreachable
from hufu_sync.targets.keycloak import Keycloak
from hufu_sync.targets.keycloak_connection import KeycloakConnection, KeycloakSettings
from tests.kit.realms import Person, link_in
from tests.kit.targets.target_harness import Houses, KeycloakHouse, SignInHouse, found_of, look, steps

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

LOCAL, OVER_AD = (pytest.param(name, marks=pytest.mark.stack) for name in ("keycloak", "keycloak over ad"))
WITH_PEOPLE = pytest.mark.parametrize("house", [LOCAL, OVER_AD], indirect=True)
WITH_ITS_OWN_PASSWORDS = pytest.mark.parametrize("house", ["sign-in memory", LOCAL], indirect=True)
OVER_A_DIRECTORY = pytest.mark.parametrize("house", [OVER_AD], indirect=True)


@pytest.fixture(params=["sign-in memory", LOCAL, OVER_AD])
def house(request: pytest.FixtureRequest, house_named: Houses) -> SignInHouse:
    found: SignInHouse = house_named(request.param)
    return found


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def test_a_lost_agency_is_made_again(house: SignInHouse) -> None:
    agency = house.agency()
    assert house.look(agency, str(uuid4())) is None
    lost = house.bring(agency, str(uuid4()))
    assert steps(agency, house.seen(agency, lost.remote_id)) == ()


def test_a_user_tells_whose_account_it_is(house: SignInHouse) -> None:
    account = house.account(house.make(house.agency()))
    assert house.target.account_of(house.make(account)) == account.object_id
    assert house.target.account_of(str(uuid4())) is None


def test_a_new_user_has_set_up_nothing(house: SignInHouse) -> None:
    account = house.account(house.make(house.agency()))
    credentials = house.target.credentials(house.make(account))
    assert not credentials.otp
    assert not credentials.password
    assert not house.target.credentials(str(uuid4())).password


def test_a_lock_is_told_with_its_end_and_lifted(house: SignInHouse) -> None:
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    assert house.target.lock_of(remote_id) is None
    house.lock(account, remote_id)
    locked = house.target.lock_of(remote_id)
    assert locked is not None
    assert locked.until is not None
    assert abs(datetime.now(UTC) - locked.since) < timedelta(minutes=1)
    assert abs(locked.until - locked.since - timedelta(minutes=15)) < timedelta(seconds=30)
    house.target.unlock(remote_id)
    house.target.unlock(remote_id)
    assert house.target.lock_of(remote_id) is None
    assert house.seen(account, remote_id).enabled, "a lock is no state of the account"


def test_sessions_end_whether_there_are_any_or_not(house: SignInHouse) -> None:
    remote_id = house.make(house.account(house.make(house.agency())))
    house.target.end_sessions(remote_id)
    house.target.end_sessions(remote_id)


@WITH_ITS_OWN_PASSWORDS
def test_a_password_must_be_changed_unless_it_was_since_it_was_asked_for(house: SignInHouse) -> None:
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    house.set_up(account, remote_id)
    assert not house.target.must_change(remote_id, LONG_AGO)
    assert house.target.must_change(remote_id, soon())
    assert steps(account, house.seen(account, remote_id)) == ()


@WITH_ITS_OWN_PASSWORDS
def test_nothing_old_opens_a_restored_account(house: SignInHouse) -> None:
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    house.set_up(account, remote_id)
    assert house.target.credentials(remote_id).password
    assert not house.target.reset_credentials(remote_id, LONG_AGO)
    assert house.target.credentials(remote_id).password
    assert house.target.reset_credentials(remote_id, soon())
    assert not house.target.credentials(remote_id).password


def test_nothing_happened_yet(house: SignInHouse) -> None:
    assert house.target.events(soon(), first=0, limit=10) == []


@WITH_PEOPLE
def test_the_mail_brings_a_link_that_sets_both_credentials_and_every_event_is_told(house: KeycloakHouse) -> None:
    started = datetime.now(UTC) - timedelta(seconds=5)
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    house.target.send_activation_mail(remote_id)
    who = Person(house.in_realm, account.name, remote_id, account.fields["email"], {})
    deadline = time.monotonic() + 10
    while not who.mails() and time.monotonic() < deadline:
        time.sleep(0.05)
    (mail,) = who.mails()
    assert "啟用" in mail["subject"]
    person.activate(link_in(mail), "Tiger-Tally-2026!")
    credentials = house.target.credentials(remote_id)
    assert credentials.otp
    assert credentials.password
    if house.directory is not None:
        inside = look(house.directory, house.inside(account))
        assert inside is not None
        assert house.directory.password_is_set(inside.remote_id)
    events = [one for one in house.target.events(started, first=0, limit=500) if one.user_id == remote_id]
    assert {"UPDATE_TOTP", "UPDATE_PASSWORD"} <= {event.type for event in events}
    assert len({event.id for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len(house.target.events(started, first=1, limit=1)) == 1
    assert house.target.reset_credentials(remote_id, soon())
    assert not house.target.credentials(remote_id).otp


@WITH_PEOPLE
def test_what_others_put_into_a_group_of_ours_keeps_it(house: KeycloakHouse) -> None:
    agency = house.agency()
    agency_id = house.make(agency)
    server = house.in_realm.server()
    server.post(f"/groups/{agency_id}/children", {"name": "theirs"})
    with pytest.raises(Conflict) as caught:
        house.take_away(agency, agency_id)
    assert caught.value.code is Code.OU_NOT_EMPTY
    assert "theirs" not in {group.name for group in house.everything(Kind.AGENCY)}


@pytest.mark.parametrize("house", [LOCAL], indirect=True)
def test_who_goes_while_everybody_is_listed_does_not_keep_the_others_from_it(
    house: KeycloakHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = house.make(house.agency())
    going, staying = house.account(agency), house.account(agency)
    going_id = house.make(going)
    house.make(staying)
    groups_of = house.target._groups_of

    def meanwhile(user_id: str) -> list[str]:
        if user_id == going_id:
            house.in_realm.server().delete(f"/users/{going_id}")
        return groups_of(user_id)

    monkeypatch.setattr(house.target, "_groups_of", meanwhile)
    listed = {observed.mark for observed in house.everything(Kind.ACCOUNT)}
    assert staying.mark in listed
    assert going.mark not in listed


@WITH_PEOPLE
def test_a_wrong_secret_stops_the_target(house: KeycloakHouse) -> None:
    with pytest.raises(Misconfigured) as caught:
        Keycloak(replace(house.target.settings, client_secret="not-it")).probe()
    assert caught.value.code is Code.KEYCLOAK_CLIENT_REFUSED


@WITH_PEOPLE
def test_who_may_only_read_stops_the_target(house: KeycloakHouse) -> None:
    house.target.probe()
    server = house.in_realm.server()
    server.post(
        "/clients",
        {"clientId": "reader", "secret": "reads", "serviceAccountsEnabled": True, "standardFlowEnabled": False},
    )
    (reader,) = server.get("/clients?clientId=reader")
    (management,) = server.get("/clients?clientId=realm-management")
    (scope,) = [one for one in server.get("/client-scopes") if one["name"] == "roles"]
    server.put(f"/clients/{reader['id']}/default-client-scopes/{scope['id']}", {})
    account = server.get(f"/clients/{reader['id']}/service-account-user")
    roles = [server.get(f"/clients/{management['id']}/roles/{name}") for name in ("view-users", "query-groups")]
    server.post(f"/users/{account['id']}/role-mappings/clients/{management['id']}", roles)
    reading = Keycloak(replace(house.target.settings, client_id="reader", client_secret="reads"))
    assert look(reading, house.agency()) is None
    with pytest.raises(Misconfigured) as caught:
        reading.probe()
    assert caught.value.code is Code.KEYCLOAK_NO_RIGHTS
    reading.close()
    server.delete(f"/clients/{reader['id']}")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (500, "unknown_error", Interrupted),
        (400, "unknown_error", Interrupted),  # seen while its PostgreSQL was restarted
        (500, "", Transient),
        (400, "error-invalid-length", Refused),
    ],
)
def test_an_answer_that_was_no_decision_is_no_refusal(
    monkeypatch: pytest.MonkeyPatch, status: int, error: str, kind: type[TargetError]
) -> None:
    answer = requests.Response()
    answer.status_code = status
    answer.raw = io.BytesIO(json.dumps({"error": error}).encode())
    monkeypatch.setattr(KeycloakConnection, "call", lambda *_, **__: answer)
    nowhere = KeycloakSettings(
        "http://127.0.0.1:9", "hufu", "hufu-sync", "",
        with_directory=True, activation_client="", activation_redirect="", activation_seconds=1,
    )  # fmt: skip
    with pytest.raises(TargetError) as caught:
        KeycloakConnection(nowhere).put("users/one", {})
    assert type(caught.value) is kind


@WITH_PEOPLE
def test_nobody_at_home_is_unreachable(house: KeycloakHouse) -> None:
    nowhere = Keycloak(replace(house.target.settings, url="http://127.0.0.1:9"))
    with pytest.raises(Unreachable):
        nowhere.probe()
    with pytest.raises(Unreachable):
        look(nowhere, house.agency())


# Over a directory.


@OVER_A_DIRECTORY
def test_an_account_keycloak_does_not_see_in_the_directory_is_waited_for_alone(house: KeycloakHouse) -> None:
    there = house.account(house.make(house.agency()))
    remote_id = house.make(there)
    missing, seen = found_of(house.target, [(house.account(None), None), (there, remote_id)])
    assert isinstance(missing, Transient)
    assert missing.code is Code.KEYCLOAK_DOES_NOT_SEE
    assert isinstance(seen, Observed)
    assert steps(there, seen) == ()


@OVER_A_DIRECTORY
def test_a_user_is_never_deleted_while_the_directory_has_him(house: KeycloakHouse) -> None:
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    seen = house.seen(account, remote_id)
    with pytest.raises(Transient):
        house.target.apply(Delete(seen.address), replace(account, exists=False), seen)
    assert house.directory is not None
    assert look(house.directory, house.inside(account)) is not None
    assert house.seen(account, remote_id).remote_id == remote_id


@OVER_A_DIRECTORY
def test_a_user_whom_the_directory_lost_is_waited_for_though_keycloak_remembers_him(house: KeycloakHouse) -> None:
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    seen = house.seen(account, remote_id)
    house.take_out_of_directory(account)
    with pytest.raises(Transient) as caught:
        house.target.apply(SetEnabled(before=True, after=False), account, seen)
    assert caught.value.code is Code.KEYCLOAK_DOES_NOT_SEE
    with pytest.raises(Transient):
        house.look(account, remote_id)
    again = house.bring(account, remote_id)
    assert again.remote_id != remote_id
    assert steps(account, house.seen(account, again.remote_id)) == ()


@OVER_A_DIRECTORY
def test_what_the_directory_disables_and_enables_is_seen_at_once(house: KeycloakHouse) -> None:
    account = house.account(house.make(house.agency()))
    remote_id = house.make(account)
    assert house.directory is not None
    inside = house.inside(account)
    for state in (False, True):
        standing = look(house.directory, inside)
        assert standing is not None
        assert house.seen(replace(account, enabled=not state), remote_id).enabled is not state
        house.directory.apply(SetEnabled(before=not state, after=state), inside, standing)
        wanted = replace(account, enabled=state)
        house.bring(wanted, remote_id)
        assert steps(wanted, house.seen(wanted, remote_id)) == ()


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every request to Keycloak."""
    asked: list[str] = []
    one_call = KeycloakConnection.call_once

    def call_once(self: KeycloakConnection, method: str, *arguments: object) -> object:
        asked.append(method)
        return one_call(self, method, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(KeycloakConnection, "call_once", call_once)
        yield asked


@WITH_PEOPLE
def test_how_many_requests_one_account_costs_is_pinned(house: KeycloakHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    account = house.account(house.make(house.agency()))
    if house.directory is not None:
        house.put_into_directory(account)
    with counted(monkeypatch) as asked:
        observed = house.look(account)
        for step in steps(account, observed):
            house.target.apply(step, account, observed)
        found = house.look(account, None if observed is None else observed.remote_id)
    assert steps(account, found) == ()
    if house.directory is not None:
        # Look up, which imports; membership; attributes; and read both again.
        assert asked == ["GET", "PUT", "PUT", "GET", "GET"]
    else:
        assert asked == ["GET", "POST", "PUT", "GET", "GET"]
    assert found is not None
    with counted(monkeypatch) as asked:
        house.look(account, found.remote_id)
    assert asked == ["GET", "GET"], "what is right is read, and nothing else"
