"""What any sign-in server promises the worker, asked of the one in memory and of Keycloak, with and without AD."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import (
    ENABLED,
    PLACE,
    Create,
    Desired,
    Observed,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    plan,
)
from hufu_stack import person
from hufu_stack.stack import Stack
from hufu_sync.errors import Conflict, Misconfigured, Transient, Unreachable
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.keycloak import Keycloak
from hufu_sync.targets.port import SignInServer
from tests.contract.fakes import FakeTarget
from tests.contract.settings import settings_of
from tests.integration.realms import Person, ScratchRealm, link_in, scratch_realm


@dataclass
class House:
    """A server, and the directory under it where it has one."""

    server: SignInServer
    directory: ActiveDirectory | None = None
    realm: ScratchRealm | None = None

    def account(self, place: str | None, **fields: str) -> Desired:
        account_id, name = str(uuid4()), f"u{uuid4().hex[:10]}"
        wanted = {"email": f"{name}@backup.test", "locale": "zh-TW", "unit_oid": ""} | fields
        if self.directory is None:
            wanted |= {"display_name": "王小明", "title": "科員", "official_mail": "", "unit_name": "秘書室"}
        return Desired(
            kind=Kind.ACCOUNT,
            object_id=account_id,
            mark=f"hufu:account:{account_id}",
            name=name,
            place=place,
            enabled=True,
            fields=wanted,
            enforced=frozenset({ENABLED, PLACE}),
        )

    def make(self, desired: Desired) -> str:
        """Bring it there as the worker does; its id."""
        if self.directory is not None and desired.kind is Kind.ACCOUNT:
            self.put_into_directory(desired)
        observed = self.server.find(desired, None)
        remote_id = ""
        for step in steps(desired, observed):
            remote_id = self.server.apply(step, desired, observed)
        return remote_id

    def put_into_directory(self, desired: Desired) -> str:
        assert self.directory is not None
        fields = {
            "sAMAccountName": desired.name,
            "userPrincipalName": f"{desired.name}@agency.test",
            "displayName": "王小明",
            "employeeNumber": desired.object_id,
        }
        inside = replace(desired, place=None, fields=fields)
        return self.directory.apply(Create(inside), inside, None)

    def seen(self, desired: Desired, remote_id: str) -> Observed:
        found = self.server.find(desired, remote_id)
        assert found is not None
        return found


REAL = [pytest.param(name, marks=pytest.mark.stack) for name in ("none", "ad")]


@pytest.fixture(scope="module", params=["fake", *REAL])
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    if request.param == "fake":
        yield House(FakeTarget(remakes=True))
        return
    stack: Stack = request.getfixturevalue("stack")
    with scratch_realm(stack, request.param) as realm:
        settings = settings_of(stack, realm=realm.name)
        found = replace(settings.keycloak_settings(), with_directory=request.param == "ad")
        in_directory = settings.directory_settings()
        assert in_directory is not None
        directory = None
        if request.param == "ad":
            directory = ActiveDirectory(replace(in_directory, base_dn=realm.unit_dn))
        yield House(Keycloak(found), directory, realm)
        if directory is not None:
            directory.close()


def steps(desired: Desired, observed: Observed | None) -> tuple[object, ...]:
    return plan(desired, observed, {}, lambda field, value: value).steps


def an_agency(place: str | None = None) -> Desired:
    number = uuid4().int % 10**9
    oid = f"2.16.886.101.{number}"
    return Desired(
        kind=Kind.AGENCY,
        object_id=str(number),
        mark=f"hufu:agency:{number}",
        name=oid,
        place=place,
        fields={"agency_oid": oid, "agency_name": "測試機關", "agency_code": "", "description": "測試機關"},
    )


def test_it_answers_us(house: House) -> None:
    house.server.probe()


def test_agencies_stand_as_a_tree(house: House) -> None:
    top = an_agency()
    top_id = house.make(top)
    child = an_agency(top_id)
    child_id = house.make(child)
    assert steps(top, house.seen(top, top_id)) == steps(child, house.seen(child, child_id)) == ()
    assert house.server.find(child, None) == house.seen(child, child_id)


def test_an_agency_is_renamed_in_one_write_and_keeps_its_id(house: House) -> None:
    agency = an_agency()
    remote_id = house.make(agency)
    wanted = replace(agency, fields=dict(agency.fields) | {"agency_name": "新名", "description": "新名"})
    (step,) = steps(wanted, house.seen(wanted, remote_id))
    assert isinstance(step, SetFields)
    house.server.apply(step, wanted, house.seen(wanted, remote_id))
    assert steps(wanted, house.seen(wanted, remote_id)) == ()


def test_an_agency_gets_another_oid_and_another_parent(house: House) -> None:
    first, second = an_agency(), an_agency()
    first_id, second_id = house.make(first), house.make(second)
    child = an_agency(first_id)
    child_id = house.make(child)
    wanted = replace(child, name=f"{child.name}.1", place=second_id)
    for step in steps(wanted, house.seen(wanted, child_id)):
        assert isinstance(step, Rename | Place)
        house.server.apply(step, wanted, house.seen(wanted, child_id))
    assert steps(wanted, house.seen(wanted, child_id)) == ()


def test_a_lost_agency_is_made_again(house: House) -> None:
    assert house.server.find(an_agency(), str(uuid4())) is None


@pytest.mark.requirement("S1-025")
def test_an_account_stands_as_it_was_wanted(house: House) -> None:
    group = house.make(an_agency())
    account = house.account(group)
    remote_id = house.make(account)
    assert steps(account, house.seen(account, remote_id)) == ()
    assert house.server.find(account, None) == house.seen(account, remote_id)
    assert not house.server.credentials(remote_id).otp


def test_an_account_is_in_one_agency_after_it_moved(house: House) -> None:
    first, second = house.make(an_agency()), house.make(an_agency())
    account = house.account(first)
    remote_id = house.make(account)
    wanted = replace(account, place=second)
    for step in steps(wanted, house.seen(wanted, remote_id)):
        house.server.apply(step, wanted, house.seen(wanted, remote_id))
    seen = house.seen(wanted, remote_id)
    assert (seen.place, seen.surplus) == (second, frozenset())


def test_one_changed_field_leaves_the_others(house: House) -> None:
    account = house.account(house.make(an_agency()))
    remote_id = house.make(account)
    wanted = replace(account, fields=dict(account.fields) | {"unit_oid": "2.16.886.1", "locale": "en"})
    (step,) = steps(wanted, house.seen(wanted, remote_id))
    house.server.apply(step, wanted, house.seen(wanted, remote_id))
    assert steps(wanted, house.seen(wanted, remote_id)) == ()
    cleared = replace(wanted, fields=dict(wanted.fields) | {"unit_oid": ""})
    (step,) = steps(cleared, house.seen(cleared, remote_id))
    house.server.apply(step, cleared, house.seen(cleared, remote_id))
    assert steps(cleared, house.seen(cleared, remote_id)) == ()


def test_an_account_is_disabled_and_enabled(house: House) -> None:
    account = house.account(house.make(an_agency()))
    remote_id = house.make(account)
    for state in (False, True):
        step = SetEnabled(before=not state, after=state)
        house.server.apply(step, account, house.seen(account, remote_id))
        assert house.seen(account, remote_id).enabled is state
        house.server.end_sessions(remote_id)


def test_somebody_elses_user_is_never_ours(house: House) -> None:
    account = house.account(house.make(an_agency()))
    house.make(account)
    stranger = replace(account, mark="hufu:account:other", object_id="other")
    with pytest.raises(Conflict):
        house.server.find(stranger, None)


def test_nothing_happened_yet(house: House) -> None:
    assert house.server.events(datetime.now(UTC) + timedelta(minutes=1), first=0, limit=10) == []


WITH_PEOPLE = pytest.mark.parametrize("house", REAL, indirect=True)
OVER_A_DIRECTORY = pytest.mark.parametrize("house", REAL[1:], indirect=True)


@WITH_PEOPLE
def test_the_mail_brings_a_link_that_sets_both_credentials_and_every_event_is_told(house: House) -> None:
    assert house.realm is not None
    started = datetime.now(UTC)
    account = house.account(house.make(an_agency()))
    remote_id = house.make(account)
    house.server.send_activation_mail(remote_id)
    who = Person(house.realm, account.name, remote_id, account.fields["email"], {})
    deadline = time.monotonic() + 10
    while not who.mails() and time.monotonic() < deadline:
        time.sleep(0.05)
    (mail,) = who.mails()
    assert "啟用" in mail["subject"]
    person.activate(link_in(mail), "Tiger-Tally-2026!")
    assert house.server.credentials(remote_id).otp
    if house.directory is None:
        assert house.server.credentials(remote_id).password
    else:
        inside = replace(account, place=None, fields={"sAMAccountName": account.name, "userPrincipalName": "x"})
        found = house.directory.find(inside, None)
        assert found is not None
        assert house.directory.password_is_set(found.remote_id)
    events = [
        e for e in house.server.events(started - timedelta(seconds=5), first=0, limit=100) if e.user_id == remote_id
    ]
    assert {"UPDATE_TOTP", "UPDATE_PASSWORD"} <= {event.type for event in events}
    assert len({event.id for event in events}) == len(events)
    assert [event.at for event in events] == sorted(event.at for event in events)
    paged = house.server.events(started - timedelta(seconds=5), first=1, limit=1)
    assert len(paged) == 1


@OVER_A_DIRECTORY
def test_an_account_keycloak_does_not_see_in_the_directory_is_waited_for(house: House) -> None:
    with pytest.raises(Transient) as caught:
        house.server.find(house.account(None), None)
    assert caught.value.code is Code.KEYCLOAK_DOES_NOT_SEE


@WITH_PEOPLE
def test_a_wrong_secret_stops_the_target(house: House) -> None:
    assert isinstance(house.server, Keycloak)
    with pytest.raises(Misconfigured) as caught:
        Keycloak(replace(house.server.settings, client_secret="not-it")).probe()
    assert caught.value.code is Code.KEYCLOAK_CLIENT_REFUSED


@WITH_PEOPLE
def test_nobody_at_home_is_unreachable(house: House) -> None:
    assert isinstance(house.server, Keycloak)
    with pytest.raises(Unreachable):
        Keycloak(replace(house.server.settings, url="http://127.0.0.1:9")).probe()


@OVER_A_DIRECTORY
def test_how_many_requests_one_account_costs_is_pinned(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(house.server, Keycloak)
    assert house.directory is not None
    account = house.account(house.make(an_agency()))
    asked: list[str] = []
    one_ldap, one_http = ActiveDirectory._calling, Keycloak._call_once

    def ldap_request(self: ActiveDirectory, *arguments: Code) -> object:
        asked.append("ldap")
        return one_ldap(self, *arguments)

    def http_request(self: Keycloak, method: str, *arguments: object) -> object:
        asked.append(method)
        return one_http(self, method, *arguments)

    monkeypatch.setattr(ActiveDirectory, "_calling", ldap_request)
    monkeypatch.setattr(Keycloak, "_call_once", http_request)
    inside = replace(
        account,
        place=None,
        fields={
            "sAMAccountName": account.name,
            "userPrincipalName": f"{account.name}@agency.test",
            "employeeNumber": account.object_id,
        },
    )
    assert house.directory.find(inside, None) is None
    guid = house.directory.apply(Create(inside), inside, None)
    house.directory.find(inside, guid)
    # Is the name free; add; its id; read again. An agency's account costs three more, to find its OU.
    assert asked == ["ldap"] * 4
    asked.clear()
    observed = house.server.find(account, None)
    for step in steps(account, observed):
        house.server.apply(step, account, observed)
    house.server.find(account, observed.remote_id if observed else None)
    # Import and groups; join; attributes with what was there; read again.
    assert asked == ["GET", "GET", "PUT", "GET", "PUT", "GET", "GET"]
