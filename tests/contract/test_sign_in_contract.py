"""What any sign-in server promises besides its state, asked of the one in memory and of Keycloak, with and without AD."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
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
from tests.kit.targets.target_harness import HarnessFactory, KeycloakHarness, SignInHarness, found_of, look, steps

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
NOWHERE = KeycloakSettings(
    "http://127.0.0.1:9", "hufu", "hufu-sync", "",
    with_directory=True, activation_client="", activation_redirect="", activation_seconds=1,
)  # fmt: skip

LOCAL, OVER_AD = (pytest.param(name, marks=pytest.mark.stack) for name in ("keycloak", "keycloak over ad"))
WITH_PEOPLE = pytest.mark.parametrize("harness", [LOCAL, OVER_AD], indirect=True)
WITH_ITS_OWN_PASSWORDS = pytest.mark.parametrize("harness", ["sign-in memory", LOCAL], indirect=True)
OVER_A_DIRECTORY = pytest.mark.parametrize("harness", [OVER_AD], indirect=True)


@pytest.fixture(params=["sign-in memory", LOCAL, OVER_AD])
def harness(request: pytest.FixtureRequest, harness_named: HarnessFactory) -> SignInHarness:
    found: SignInHarness = harness_named(request.param)
    return found


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


def test_a_lost_agency_is_made_again(harness: SignInHarness) -> None:
    agency = harness.agency()
    assert harness.look(agency, str(uuid4())) is None
    lost = harness.bring(agency, str(uuid4()))
    assert steps(agency, harness.seen(agency, lost.remote_id)) == ()


def test_a_user_tells_whose_account_it_is(harness: SignInHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    assert harness.target.account_of(harness.make(account)) == account.object_id
    assert harness.target.account_of(str(uuid4())) is None


def test_a_new_user_has_set_up_nothing(harness: SignInHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    credentials = harness.target.credentials(harness.make(account))
    assert not credentials.otp
    assert not credentials.password
    assert not harness.target.credentials(str(uuid4())).password


def test_a_lock_is_told_with_its_end_and_lifted(harness: SignInHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    assert harness.target.lock_of(remote_id) is None
    harness.lock(account, remote_id)
    locked = harness.target.lock_of(remote_id)
    assert locked is not None
    assert locked.until is not None
    assert abs(datetime.now(UTC) - locked.since) < timedelta(minutes=1)
    assert abs(locked.until - locked.since - timedelta(minutes=15)) < timedelta(seconds=30)
    harness.target.unlock(remote_id)
    harness.target.unlock(remote_id)
    assert harness.target.lock_of(remote_id) is None
    assert harness.seen(account, remote_id).enabled, "a lock is no state of the account"


def test_sessions_end_whether_there_are_any_or_not(harness: SignInHarness) -> None:
    remote_id = harness.make(harness.account(harness.make(harness.agency())))
    harness.target.end_sessions(remote_id)
    harness.target.end_sessions(remote_id)


@WITH_ITS_OWN_PASSWORDS
def test_a_password_must_be_changed_unless_it_was_since_it_was_asked_for(harness: SignInHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    harness.set_up(account, remote_id)
    assert not harness.target.must_change(remote_id, LONG_AGO)
    assert harness.target.must_change(remote_id, soon())
    assert steps(account, harness.seen(account, remote_id)) == ()


@WITH_ITS_OWN_PASSWORDS
def test_nothing_old_opens_a_restored_account(harness: SignInHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    harness.set_up(account, remote_id)
    assert harness.target.credentials(remote_id).password
    assert not harness.target.reset_credentials(remote_id, LONG_AGO)
    assert harness.target.credentials(remote_id).password
    assert harness.target.reset_credentials(remote_id, soon())
    assert not harness.target.credentials(remote_id).password


def test_nothing_happened_yet(harness: SignInHarness) -> None:
    assert harness.target.events(soon(), first=0, limit=10) == []


@WITH_PEOPLE
def test_the_mail_brings_a_link_that_sets_both_credentials_and_every_event_is_told(harness: KeycloakHarness) -> None:
    started = datetime.now(UTC) - timedelta(seconds=5)
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    harness.target.send_activation_mail(remote_id)
    who = Person(harness.in_realm, account.name, remote_id, account.fields["email"], {})
    deadline = time.monotonic() + 10
    while not who.mails() and time.monotonic() < deadline:
        time.sleep(0.05)
    (mail,) = who.mails()
    assert "啟用" in mail["subject"]
    person.activate(link_in(mail), "Tiger-Tally-2026!")
    credentials = harness.target.credentials(remote_id)
    assert credentials.otp
    assert credentials.password
    if harness.directory is not None:
        inside = look(harness.directory, harness.inside(account))
        assert inside is not None
        assert harness.directory.password_is_set(inside.remote_id)
    events = [one for one in harness.target.events(started, first=0, limit=500) if one.user_id == remote_id]
    assert {"UPDATE_TOTP", "UPDATE_PASSWORD"} <= {event.type for event in events}
    assert len({event.id for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert len(harness.target.events(started, first=1, limit=1)) == 1
    (listed,) = [one for one in harness.everything(Kind.ACCOUNT) if one.remote_id == remote_id]
    assert (listed.second_factor, harness.seen(account, remote_id).second_factor) == (True, True)
    harness.target.send_otp_mail(remote_id)
    while len(who.mails()) == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert who.mails()[0]["subject"] == "重設公務帳號的一次性密碼"
    assert harness.target.reset_credentials(remote_id, soon())
    assert not harness.target.credentials(remote_id).otp
    assert harness.seen(account, remote_id).second_factor is False


@WITH_PEOPLE
def test_what_others_put_into_a_group_of_ours_keeps_it(harness: KeycloakHarness) -> None:
    agency = harness.agency()
    agency_id = harness.make(agency)
    server = harness.in_realm.server()
    server.post(f"/groups/{agency_id}/children", {"name": "theirs"})
    with pytest.raises(Conflict) as caught:
        harness.take_away(agency, agency_id)
    assert caught.value.code is Code.OU_NOT_EMPTY
    assert "theirs" not in {group.name for group in harness.everything(Kind.AGENCY)}


@pytest.mark.parametrize("harness", [LOCAL], indirect=True)
def test_who_goes_while_everybody_is_listed_does_not_keep_the_others_from_it(
    harness: KeycloakHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    agency = harness.make(harness.agency())
    going, staying = harness.account(agency), harness.account(agency)
    going_id = harness.make(going)
    harness.make(staying)
    groups_of = harness.target._groups_of

    def meanwhile(user_id: str) -> list[str]:
        if user_id == going_id:
            harness.in_realm.server().delete(f"/users/{going_id}")
        return groups_of(user_id)

    monkeypatch.setattr(harness.target, "_groups_of", meanwhile)
    listed = {observed.mark for observed in harness.everything(Kind.ACCOUNT)}
    assert staying.mark in listed
    assert going.mark not in listed


@WITH_PEOPLE
def test_a_wrong_secret_stops_the_target(harness: KeycloakHarness) -> None:
    with pytest.raises(Misconfigured) as caught:
        Keycloak(replace(harness.target.settings, client_secret="not-it")).probe()
    assert caught.value.code is Code.KEYCLOAK_CLIENT_REFUSED


@WITH_PEOPLE
def test_who_may_only_read_stops_the_target(harness: KeycloakHarness) -> None:
    harness.target.probe()
    server = harness.in_realm.server()
    server.post(
        "/clients",
        {"clientId": "reader", "secret": "reads", "serviceAccountsEnabled": True, "standardFlowEnabled": False},
    )
    (reader,) = server.get("/clients?clientId=reader")
    (management,) = server.get("/clients?clientId=realm-management")
    (scope,) = [one for one in server.get("/client-scopes") if one["name"] == "service_roles"]
    server.put(f"/clients/{reader['id']}/default-client-scopes/{scope['id']}", {})
    account = server.get(f"/clients/{reader['id']}/service-account-user")
    roles = [server.get(f"/clients/{management['id']}/roles/{name}") for name in ("view-users", "query-groups")]
    server.post(f"/users/{account['id']}/role-mappings/clients/{management['id']}", roles)
    reading = Keycloak(replace(harness.target.settings, client_id="reader", client_secret="reads"))
    assert look(reading, harness.agency()) is None
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
    with pytest.raises(TargetError) as caught:
        KeycloakConnection(NOWHERE).put("users/one", {})
    assert type(caught.value) is kind


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Keycloak.send_activation_mail, Code.ACTIVATION_MAIL_NOT_SENT),
        (Keycloak.send_otp_mail, Code.ACTIVATION_MAIL_NOT_SENT),
        (Keycloak.end_sessions, Code.KEYCLOAK_TIMEOUT),
    ],
    ids=["activation mail", "otp mail", "logout"],
)
def test_an_act_that_is_not_answered_in_time_may_have_happened_and_says_nothing_of_the_server(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[Keycloak, str], object], code: Code
) -> None:
    def late(*_: object, **__: object) -> None:
        raise Unreachable(Code.KEYCLOAK_TIMEOUT)

    monkeypatch.setattr(KeycloakConnection, "call", late)
    keycloak = Keycloak(NOWHERE)
    with pytest.raises(Interrupted) as caught:
        act(keycloak, "one")
    assert caught.value.code is code
    with pytest.raises(Unreachable):
        keycloak.probe()


@WITH_PEOPLE
def test_nobody_at_home_is_unreachable(harness: KeycloakHarness) -> None:
    nowhere = Keycloak(replace(harness.target.settings, url="http://127.0.0.1:9"))
    with pytest.raises(Unreachable):
        nowhere.probe()
    with pytest.raises(Unreachable):
        look(nowhere, harness.agency())


# Over a directory.


@OVER_A_DIRECTORY
def test_an_account_keycloak_does_not_see_in_the_directory_is_waited_for_alone(harness: KeycloakHarness) -> None:
    there = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(there)
    missing, seen = found_of(harness.target, [(harness.account(None), None), (there, remote_id)])
    assert isinstance(missing, Transient)
    assert missing.code is Code.KEYCLOAK_DOES_NOT_SEE
    assert isinstance(seen, Observed)
    assert steps(there, seen) == ()


@OVER_A_DIRECTORY
def test_a_user_is_never_deleted_while_the_directory_has_him(harness: KeycloakHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    seen = harness.seen(account, remote_id)
    with pytest.raises(Transient):
        harness.target.apply(Delete(seen.address), replace(account, exists=False), seen)
    assert harness.directory is not None
    assert look(harness.directory, harness.inside(account)) is not None
    assert harness.seen(account, remote_id).remote_id == remote_id


@OVER_A_DIRECTORY
def test_a_user_whom_the_directory_lost_is_kept_until_another_stands_in_his_place(harness: KeycloakHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    seen = harness.seen(account, remote_id)
    harness.take_out_of_directory(account)
    with pytest.raises(Transient) as caught:
        harness.target.apply(SetEnabled(before=True, after=False), account, seen)
    assert caught.value.code is Code.KEYCLOAK_DOES_NOT_SEE
    assert harness.seen(account, remote_id).enabled is False, "he keeps what he set up, and does not get in"
    # Another entry of his name stands there now.
    harness.put_into_directory(account)
    assert harness.directory is not None
    inside = look(harness.directory, harness.inside(account))
    assert inside is not None
    anew = replace(account, source=inside.remote_id)
    outlived = harness.seen(anew, remote_id)
    (delete,) = steps(anew, outlived)
    assert isinstance(delete, Delete)
    harness.target.apply(delete, anew, outlived)
    again = harness.bring(anew)
    assert again.remote_id != remote_id
    assert steps(anew, harness.seen(anew, again.remote_id)) == ()


@OVER_A_DIRECTORY
@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Keycloak.send_activation_mail, Code.KEYCLOAK_DOES_NOT_SEE),
        (Keycloak.send_otp_mail, Code.KEYCLOAK_DOES_NOT_SEE),
        (lambda keycloak, user_id: keycloak.must_change(user_id, soon()), Code.KEYCLOAK_ERROR),
        (lambda keycloak, user_id: keycloak.reset_credentials(user_id, soon()), Code.KEYCLOAK_ERROR),
    ],
    ids=["activation mail", "otp mail", "must change", "reset"],
)
def test_what_is_done_for_whom_the_directory_does_not_show_waits(
    harness: KeycloakHarness, act: Callable[[Keycloak, str], object], code: Code
) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    harness.take_out_of_directory(account)
    assert harness.realm is not None
    # As after a restart: until then it shows him as it knew him.
    harness.realm.server().post("/clear-user-cache", {})
    with pytest.raises(Transient) as caught:
        act(harness.target, remote_id)
    assert caught.value.code is code


@OVER_A_DIRECTORY
def test_who_is_shown_and_has_no_mailbox_is_refused_his_mail(harness: KeycloakHarness) -> None:
    remote_id = harness.make(harness.account(harness.make(harness.agency()), email=""))
    with pytest.raises(Refused) as caught:
        harness.target.send_activation_mail(remote_id)
    assert caught.value.code is Code.KEYCLOAK_REFUSED


@OVER_A_DIRECTORY
def test_what_the_directory_disables_and_enables_is_seen_at_once(harness: KeycloakHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    assert harness.directory is not None
    inside = harness.inside(account)
    for state in (False, True):
        standing = look(harness.directory, inside)
        assert standing is not None
        assert harness.seen(replace(account, enabled=not state), remote_id).enabled is not state
        harness.directory.apply(SetEnabled(before=not state, after=state), inside, standing)
        wanted = replace(account, enabled=state)
        harness.bring(wanted, remote_id)
        assert steps(wanted, harness.seen(wanted, remote_id)) == ()


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
def test_how_many_requests_one_account_costs_is_pinned(
    harness: KeycloakHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = harness.account(harness.make(harness.agency()))
    if harness.directory is not None:
        harness.put_into_directory(account)
    with counted(monkeypatch) as asked:
        observed = harness.look(account)
        for step in steps(account, observed):
            harness.target.apply(step, account, observed)
        found = harness.look(account, None if observed is None else observed.remote_id)
    assert steps(account, found) == ()
    if harness.directory is not None:
        # Look up, which imports; membership; attributes; and read both again.
        assert asked == ["GET", "PUT", "PUT", "GET", "GET"]
    else:
        assert asked == ["GET", "POST", "PUT", "GET", "GET"]
    assert found is not None
    with counted(monkeypatch) as asked:
        harness.look(account, found.remote_id)
    assert asked == ["GET", "GET"], "what is right is read, and nothing else"
