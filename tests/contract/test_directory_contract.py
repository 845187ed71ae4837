"""What any directory promises the worker, asked of the one in memory and of Samba's Active Directory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

import pytest

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import ENABLED, Create, Desired, Observed, Place, Rename, SetEnabled, SetFields, plan
from hufu_stack.stack import Stack
from hufu_sync.errors import Conflict, Gone, Misconfigured, Refused, Unreachable
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.port import Directory
from tests.contract.fakes import FakeTarget
from tests.contract.settings import settings_of


@pytest.fixture(params=["fake", pytest.param("samba", marks=pytest.mark.stack)])
def directory(request: pytest.FixtureRequest) -> Iterator[Directory]:
    if request.param == "fake":
        yield FakeTarget()
        return
    stack: Stack = request.getfixturevalue("stack")
    found = settings_of(stack).directory_settings()
    assert found is not None
    made = ActiveDirectory(found)
    yield made
    made.close()


def an_agency(place: str | None = None, name: str = "") -> Desired:
    number = uuid4().int % 10**9
    return Desired(
        kind=Kind.AGENCY,
        object_id=str(number),
        mark=f"hufu:agency:{number}",
        name=name or f"測試機關 {number}",
        place=place,
        fields={"description": "測試機關", "businessCategory": "2.16.886.101.29999"},
    )


def an_account(place: str | None, **fields: str) -> Desired:
    account_id, name = str(uuid4()), f"u{uuid4().hex[:10]}"
    return Desired(
        kind=Kind.ACCOUNT,
        object_id=account_id,
        mark=f"hufu:account:{account_id}",
        name=name,
        place=place,
        enabled=True,
        fields={
            "sAMAccountName": name,
            "userPrincipalName": f"{name}@agency.test",
            "displayName": "王小明",
            "sn": "王小明",
            "givenName": ".",
            "title": "科員",
            "mail": "",
            "employeeNumber": account_id,
        }
        | fields,
        enforced=frozenset({ENABLED}),
    )


def differs(desired: Desired, observed: Observed | None) -> object:
    return plan(desired, observed, {}, lambda field, value: value).steps


@dataclass
class Made:
    directory: Directory
    desired: Desired
    remote_id: str

    def seen(self, desired: Desired | None = None) -> Observed:
        found = self.directory.find(desired or self.desired, self.remote_id)
        assert found is not None
        return found


def make(directory: Directory, desired: Desired) -> Made:
    assert directory.find(desired, None) is None
    return Made(directory, desired, directory.apply(Create(desired), desired, None))


@pytest.fixture
def agency(directory: Directory) -> Made:
    return make(directory, an_agency())


def test_it_answers_us(directory: Directory) -> None:
    directory.probe()


def test_an_agency_stands_as_it_was_wanted(agency: Made) -> None:
    assert differs(agency.desired, agency.seen()) == ()


@pytest.mark.requirement("S1-025")
def test_an_account_stands_as_it_was_wanted_and_nobody_knows_its_password(agency: Made) -> None:
    account = make(agency.directory, an_account(agency.remote_id))
    assert differs(account.desired, account.seen()) == ()
    assert not agency.directory.password_is_set(account.remote_id)


def test_what_we_made_and_forgot_is_found_by_name_and_mark(agency: Made) -> None:
    account = make(agency.directory, an_account(agency.remote_id))
    found = agency.directory.find(account.desired, None)
    assert found == account.seen()
    assert agency.directory.find(agency.desired, None) == agency.seen()


def test_fields_change_and_go(agency: Made) -> None:
    account = make(agency.directory, an_account(agency.remote_id, mail="a@agency.gov.tw"))
    wanted = replace(account.desired, fields=dict(account.desired.fields) | {"title": "處長", "mail": ""})
    (step,) = plan(wanted, account.seen(), {}, lambda field, value: value).steps
    assert isinstance(step, SetFields)
    agency.directory.apply(step, wanted, account.seen())
    assert account.seen(wanted).fields["title"] == "處長"
    assert account.seen(wanted).fields["mail"] == ""


def test_an_account_is_disabled_and_enabled(agency: Made) -> None:
    account = make(agency.directory, an_account(agency.remote_id))
    agency.directory.apply(SetEnabled(before=True, after=False), account.desired, account.seen())
    assert account.seen().enabled is False
    agency.directory.apply(SetEnabled(before=False, after=True), account.desired, account.seen())
    assert account.seen().enabled is True


def test_an_account_moves_and_stays_the_same_object(agency: Made) -> None:
    account = make(agency.directory, an_account(agency.remote_id))
    other = make(agency.directory, an_agency())
    wanted = replace(account.desired, place=other.remote_id)
    agency.directory.apply(Place(agency.remote_id, other.remote_id), wanted, account.seen(wanted))
    assert differs(wanted, account.seen(wanted)) == ()


def test_an_account_gets_another_name_and_stays_the_same_object(agency: Made) -> None:
    account = make(agency.directory, an_account(agency.remote_id))
    name = f"n{uuid4().hex[:10]}"
    names = {"sAMAccountName": name, "userPrincipalName": f"{name}@agency.test"}
    wanted = replace(account.desired, name=name, fields=dict(account.desired.fields) | names)
    for step in plan(wanted, account.seen(wanted), {}, lambda field, value: value).steps:
        agency.directory.apply(step, wanted, account.seen(wanted))
    assert differs(wanted, account.seen(wanted)) == ()


def test_a_renamed_agency_keeps_its_accounts_and_those_below(agency: Made) -> None:
    child = make(agency.directory, an_agency(agency.remote_id))
    account = make(agency.directory, an_account(child.remote_id))
    wanted = replace(agency.desired, name=f"改名後 {agency.desired.object_id}")
    agency.directory.apply(Rename(agency.desired.name, wanted.name), wanted, agency.seen())
    assert agency.seen(wanted).name == wanted.name
    assert differs(child.desired, child.seen()) == ()
    assert differs(account.desired, account.seen()) == ()


def test_an_agency_moves_with_all_below(agency: Made) -> None:
    child = make(agency.directory, an_agency(agency.remote_id))
    other = make(agency.directory, an_agency())
    wanted = replace(child.desired, place=other.remote_id)
    agency.directory.apply(Place(agency.remote_id, other.remote_id), wanted, child.seen(wanted))
    assert differs(wanted, child.seen(wanted)) == ()


@pytest.mark.parametrize(
    "name", ['經濟部, "秘書" + 室', "a\\b;c<d>e=f#", "#", " x ", "𠮷野家 機關", "(測試*)", "OU=x,OU=Hufu", "x" * 64]
)
def test_names_that_mean_something_to_the_protocol_are_only_names(directory: Directory, name: str) -> None:
    parent = make(directory, an_agency())
    made = make(directory, an_agency(parent.remote_id, name.strip()))
    assert made.seen().name == name.strip()
    assert differs(made.desired, directory.find(made.desired, None)) == ()


@pytest.mark.parametrize("text", ["*)(objectClass=*", "a\\2ab", "王\\, 小明", "  兩 端  ".strip(), "𠮷"])
def test_texts_that_mean_something_to_the_protocol_are_only_texts(agency: Made, text: str) -> None:
    account = make(agency.directory, an_account(agency.remote_id, displayName=text, title=text))
    assert (account.seen().fields["displayName"], account.seen().fields["title"]) == (text, text)


def test_somebody_elses_account_is_never_ours(agency: Made) -> None:
    theirs = make(agency.directory, an_account(agency.remote_id))
    name = theirs.desired.name
    ours = replace(
        an_account(agency.remote_id, sAMAccountName=name, userPrincipalName=f"{name}@agency.test"), name=name
    )
    with pytest.raises(Conflict):
        agency.directory.find(ours, None)
    with pytest.raises(Conflict):
        agency.directory.apply(Create(ours), ours, None)
    assert differs(theirs.desired, theirs.seen()) == ()


def test_what_is_missing_though_we_know_it_is_gone(agency: Made) -> None:
    with pytest.raises(Gone):
        agency.directory.find(an_account(agency.remote_id), str(uuid4()))


@pytest.mark.stack
class TestSambaAlone:
    """What only a real server can show."""

    @pytest.fixture
    def real(self, stack: Stack) -> Iterator[ActiveDirectory]:
        found = settings_of(stack).directory_settings()
        assert found is not None
        made = ActiveDirectory(found)
        yield made
        made.close()

    def test_an_account_in_another_house_is_found_by_its_name(self, real: ActiveDirectory) -> None:
        fields = {"sAMAccountName": "Administrator", "userPrincipalName": "administrator@agency.test"}
        with pytest.raises(Conflict) as caught:
            real.find(replace(an_account(None, **fields), name="administrator"), None)
        assert caught.value.code is Code.NAME_TAKEN_IN_AD

    def test_what_the_schema_does_not_take_is_refused_for_this_one(self, real: ActiveDirectory) -> None:
        too_long = an_account(None, department="x" * 65)
        with pytest.raises(Refused) as caught:
            real.apply(Create(too_long), too_long, None)
        assert caught.value.code is Code.AD_REFUSED_VALUE

    def test_a_wrong_password_stops_the_target(self, real: ActiveDirectory) -> None:
        wrong = ActiveDirectory(replace(real.settings, bind_password="not-it"))
        with pytest.raises(Misconfigured) as caught:
            wrong.probe()
        assert caught.value.code is Code.AD_BIND_REFUSED

    def test_a_certificate_of_somebody_else_stops_the_target(self, real: ActiveDirectory, tmp_path: Path) -> None:
        other = tmp_path / "other.pem"
        command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=other"
        subprocess.run(
            [*command.split(), "-keyout", str(tmp_path / "key"), "-out", str(other)], check=True, capture_output=True
        )
        with pytest.raises(Misconfigured) as caught:
            ActiveDirectory(replace(real.settings, ca_file=other)).probe()
        assert caught.value.code is Code.AD_CERTIFICATE

    def test_nobody_at_home_is_unreachable(self, real: ActiveDirectory) -> None:
        with pytest.raises(Unreachable):
            ActiveDirectory(replace(real.settings, url="ldaps://127.0.0.99:636")).probe()

    def test_a_frozen_server_is_unreachable_in_time_and_the_connection_heals(
        self, real: ActiveDirectory, stack: Stack
    ) -> None:
        impatient = ActiveDirectory(replace(real.settings, connect_seconds=1, call_seconds=1))
        impatient.probe()
        stack.freeze("directory")
        try:
            with pytest.raises(Unreachable):
                impatient.probe()
        finally:
            stack.thaw("directory")
            stack.server("directory").wait_until_healthy()
        impatient.probe()
        impatient.close()

    def test_outside_our_house_we_may_write_nothing(self, real: ActiveDirectory) -> None:
        outside = ActiveDirectory(replace(real.settings, base_dn="CN=Users,DC=agency,DC=test"))
        account = an_account(None)
        with pytest.raises(Refused) as caught:
            outside.apply(Create(account), account, None)
        assert caught.value.code is Code.AD_NO_RIGHTS
        outside.close()
