"""What only a real Active Directory can show, asked of Samba's."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import Adopt, Create, Desired, Observed, Place, Rename, SetEnabled, SetFields
from hufu_stack import authority
from hufu_stack.directory import DOMAIN_DN, SECRETS, Directory, bind_dn
from hufu_stack.secret_files import read_secret
from hufu_stack.stack import Stack
from hufu_sync.errors import Conflict, Misconfigured, NoRightsError, Refused, TargetError, Transient, Unreachable
from hufu_sync.targets import active_directory
from hufu_sync.targets.active_directory import PROBE_MARK, PROBE_NAME, ActiveDirectory
from hufu_sync.targets.ldap_connection import DirectorySettings, LdapConnection
from tests.kit.faults.independent_readers import DirectoryReader
from tests.kit.targets.target_harness import HarnessFactory, SambaHarness, found_of, look, steps


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every request to the directory."""
    asked: list[str] = []
    one_call = LdapConnection.calling

    def calling(self: LdapConnection, taken: Code, seconds: int = 0) -> Any:
        asked.append("ldap")
        return one_call(self, taken, seconds)

    with monkeypatch.context() as patch:
        patch.setattr(LdapConnection, "calling", calling)
        yield asked


@pytest.mark.stack
class TestSambaAlone:
    """What only a real server can show."""

    @pytest.fixture
    def harness(self, harness_named: HarnessFactory) -> SambaHarness:
        found: SambaHarness = harness_named("samba")
        return found

    @pytest.fixture
    def real(self, harness: SambaHarness) -> ActiveDirectory:
        return harness.target

    @pytest.fixture
    def another(self, real: ActiveDirectory) -> Iterator[ActiveDirectory]:
        """A second lane."""
        made = ActiveDirectory(real.settings)
        yield made
        made.close()

    @pytest.mark.parametrize("count", [1, 16])
    def test_a_new_account_costs_one_request_and_its_share_of_two(
        self, harness: SambaHarness, agency: str, monkeypatch: pytest.MonkeyPatch, count: int
    ) -> None:
        accounts: Sequence[Desired] = [harness.account(agency) for _ in range(count)]
        with counted(monkeypatch) as asked:
            assert set(found_of(harness.target, [(account, None) for account in accounts])) == {None}
            for account in accounts:
                harness.target.apply(Create(account), account, None)
            found = found_of(harness.target, [(account, None) for account in accounts])
        assert all(isinstance(one, Observed) for one in found)
        assert len(asked) == 1 + count + 1

    def test_what_is_right_costs_one_request_for_all(
        self, harness: SambaHarness, agency: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts = [harness.account(agency) for _ in range(5)]
        ids = [harness.make(account) for account in accounts]
        with counted(monkeypatch) as asked:
            found = found_of(harness.target, list(zip(accounts, ids, strict=True)))
        assert [one.remote_id for one in found if isinstance(one, Observed)] == ids
        assert len(asked) == 1

    def test_what_is_too_much_for_one_search_is_asked_in_several(
        self, harness: SambaHarness, agency: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts = [harness.account(agency) for _ in range(5)]
        ids = [harness.make(account) for account in accounts]
        monkeypatch.setattr(active_directory, "ASKED_AT_ONCE", 2)
        found = found_of(harness.target, list(zip(accounts, ids, strict=True)))
        assert [one.remote_id for one in found if isinstance(one, Observed)] == ids
        monkeypatch.setattr(active_directory, "PAGE", 2)
        assert set(ids) <= {one.remote_id for one in harness.everything(Kind.ACCOUNT)}
        assert agency in {one.remote_id for one in harness.everything(Kind.AGENCY)}

    def test_an_agency_that_another_lane_renames_in_between_still_gets_its_account(
        self, harness: SambaHarness, another: ActiveDirectory
    ) -> None:
        agency = harness.agency()
        agency_id = harness.make(agency)
        account = harness.account(agency_id)
        assert harness.look(account) is None
        renamed = replace(agency, name=f"{agency.name} 新")
        another.apply(Rename(agency.name, renamed.name), renamed, look(another, agency, agency_id))
        harness.target.apply(Create(account), account, None)
        assert steps(account, harness.look(account)) == ()

    def test_an_account_moves_though_both_its_agencies_were_renamed_in_between(
        self, harness: SambaHarness, another: ActiveDirectory
    ) -> None:
        first, second = harness.agency(), harness.agency()
        first_id, second_id = harness.make(first), harness.make(second)
        account = harness.account(first_id)
        remote_id = harness.make(account)
        moved = replace(account, place=second_id)
        seen = harness.seen(moved, remote_id)
        for agency, agency_id in ((first, first_id), (second, second_id)):
            renamed = replace(agency, name=f"{agency.name} 新")
            another.apply(Rename(agency.name, renamed.name), renamed, look(another, agency, agency_id))
        harness.target.apply(Place(first_id, second_id), moved, seen)
        assert steps(moved, harness.seen(moved, remote_id)) == ()

    def test_an_account_whose_agency_is_missing_waits_for_it(self, harness: SambaHarness) -> None:
        with pytest.raises(Transient) as caught:
            harness.look(harness.account(str(uuid4())))
        assert caught.value.code is Code.WAITS_FOR_AGENCY

    def test_an_account_is_disabled_though_its_agency_is_missing(self, harness: SambaHarness, agency: str) -> None:
        account = harness.account(agency)
        remote_id = harness.make(account)
        lost = replace(account, place=str(uuid4()), enabled=False)
        disable, move = steps(lost, harness.seen(lost, remote_id))
        harness.target.apply(disable, lost, harness.seen(lost, remote_id))
        with pytest.raises(Transient):
            harness.target.apply(move, lost, harness.seen(lost, remote_id))
        assert harness.seen(account, remote_id).enabled is False

    @pytest.mark.parametrize(
        "name", ['經濟部, "秘書" + 室', "a\\b;c<d>e=f#", "#", " x ", "𠮷野家 機關", "(測試*)", "OU=x,OU=Hufu", "x" * 64]
    )
    def test_names_that_mean_something_to_the_protocol_are_only_names(self, harness: SambaHarness, name: str) -> None:
        parent = harness.make(harness.agency())
        agency = harness.agency(parent, name.strip())
        assert harness.seen(agency, harness.make(agency)).name == name.strip()
        assert steps(agency, harness.look(agency)) == ()
        assert name.strip() in {one.name for one in harness.everything(Kind.AGENCY)}

    @pytest.mark.parametrize("text", ["*)(objectClass=*", "a\\2ab", "王\\, 小明", "兩 端", "𠮷"])
    def test_texts_that_mean_something_to_the_protocol_are_only_texts(
        self, harness: SambaHarness, agency: str, text: str
    ) -> None:
        account = harness.account(agency, displayName=text, title=text)
        assert steps(account, harness.seen(account, harness.make(account))) == ()

    def test_a_value_it_does_not_take_keeps_neither_the_account_nor_its_other_values_away(
        self, harness: SambaHarness, agency: str
    ) -> None:
        account = harness.account(agency, department="x" * 65)
        with pytest.raises(Refused) as caught:
            harness.target.apply(Create(account), account, None)
        assert caught.value.code is Code.AD_REFUSED_VALUE
        made = harness.look(account)
        (left,) = steps(account, made)
        assert left == SetFields((("department", "", "x" * 65),))
        changed = replace(account, fields=dict(account.fields) | {"title": "處長"})
        (both,) = steps(changed, made)
        with pytest.raises(Refused):
            harness.target.apply(both, changed, made)
        assert steps(changed, harness.look(changed)) == (left,)

    def test_an_account_in_another_place_is_found_by_its_name(self, harness: SambaHarness) -> None:
        fields = {"sAMAccountName": "Administrator", "userPrincipalName": "administrator@agency.test"}
        with pytest.raises(Conflict) as caught:
            harness.look(replace(harness.account(None, **fields), name="administrator"))
        assert caught.value.code is Code.NAME_TAKEN_IN_AD

    def test_what_lies_beyond_our_reach_is_refused_alone(self, harness: SambaHarness, stack: Stack) -> None:
        reader = harness.account(None, sAMAccountName="hufu-reader", userPrincipalName="hufu-reader@agency.test")
        theirs = harness.target.foreign(replace(reader, name="hufu-reader"))
        assert theirs is not None
        with pytest.raises(Refused) as caught:
            harness.target.apply(Adopt(theirs.mark), reader, theirs)
        assert caught.value.code is Code.OUTSIDE_OUR_OU
        outside = ActiveDirectory(replace(harness.target.settings, base_dn="CN=Users,DC=agency,DC=test"))
        account = harness.account(None)
        with pytest.raises(Refused) as caught:
            outside.apply(Create(account), account, None)
        assert caught.value.code is Code.AD_NO_RIGHTS
        outside.close()

    def test_an_account_that_somebody_moved_out_of_our_agencies_is_told_with_its_address(
        self, harness: SambaHarness, agency: str
    ) -> None:
        account = harness.account(agency)
        remote_id = harness.make(account)
        elsewhere = f"OU=elsewhere-{account.name},{harness.target.settings.base_dn}"
        harness.connection.add(elsewhere, ["top", "organizationalUnit"])
        harness.connection.modify_dn(
            harness.seen(account, remote_id).address, f"CN={account.name}", new_superior=elsewhere
        )
        (told,) = [one for one in harness.everything(Kind.ACCOUNT) if one.remote_id == remote_id]
        assert told.place == elsewhere
        (step,) = steps(account, harness.seen(account, remote_id))
        assert step == Place(elsewhere, agency)
        assert steps(account, harness.bring(account, remote_id)) == ()

    def test_what_stands_where_we_have_no_rights_says_so_and_not_that_we_lack_them_everywhere(
        self, harness: SambaHarness, agency: str, stack: Stack
    ) -> None:
        account = harness.account(agency)
        remote_id = harness.make(account)
        dn, eyes, users = (
            harness.seen(account, remote_id).address,
            DirectoryReader(stack.profile),
            f"CN=Users,{DOMAIN_DN}",
        )
        moved = "dn: {}\nchangetype: modrdn\nnewrdn: CN={}\ndeleteoldrdn: 1\nnewsuperior: {}\n"
        eyes.as_administrator("ldbmodify", moved.format(dn, account.name, users))
        try:
            seen = harness.seen(account, remote_id)
            (step,) = steps(account, seen)
            assert step == Place(users, agency)
            for refused in (step, SetFields((("title", "科員", "處長"),)), SetEnabled(before=True, after=False)):
                with pytest.raises(NoRightsError) as caught:
                    harness.target.apply(refused, account, seen)
                assert caught.value.code is Code.OUTSIDE_OUR_OU
        finally:
            place = dn.partition(",")[2]
            eyes.as_administrator("ldbmodify", moved.format(f"CN={account.name},{users}", account.name, place))

    def test_an_ou_in_which_others_stand_is_parked(self, harness: SambaHarness) -> None:
        agency = harness.agency()
        agency_id = harness.make(agency)
        place = harness.seen(agency, agency_id).address
        harness.connection.add(
            f"CN=theirs-{agency.object_id},{place}", ["top", "person", "organizationalPerson", "contact"]
        )
        with pytest.raises(Conflict) as caught:
            harness.take_away(agency, agency_id)
        assert caught.value.code is Code.OU_NOT_EMPTY

    def test_wrong_passwords_lock_for_as_long_as_the_domain_says(
        self, harness: SambaHarness, agency: str, stack: Stack
    ) -> None:
        account = harness.account(agency)
        remote_id = harness.make(account)
        harness.choose_password(remote_id)
        harness.write(remote_id, pwdLastSet="-1")
        with lockout_after(stack, account.name, 2):
            for _ in range(3):
                with pytest.raises(Misconfigured):
                    ActiveDirectory(
                        replace(harness.target.settings, bind_dn=f"{account.name}@agency.test", bind_password="wrong")
                    ).lockout_duration()
            locked_at = harness.seen(account, remote_id).locked_at
            assert locked_at is not None
            assert abs(datetime.now(UTC) - locked_at) < timedelta(minutes=1)
            harness.target.unlock(remote_id)
            assert harness.seen(account, remote_id).locked_at is None

    # When it does not work.

    def test_the_probe_writes_to_an_object_of_its_own(self, harness: SambaHarness) -> None:
        harness.target.probe()
        dn = f"{PROBE_NAME},{harness.target.settings.base_dn}"
        harness.connection.search(dn, "(objectClass=contact)", attributes=["adminDescription"])
        (entry,) = harness.connection.response
        assert entry["raw_attributes"]["adminDescription"] == [PROBE_MARK.encode()]

    def test_who_may_only_read_stops_the_target(self, real: ActiveDirectory, stack: Stack) -> None:
        real.probe()
        password = read_secret(stack.profile, SECRETS["hufu-reader"])
        reader = ActiveDirectory(replace(real.settings, bind_dn=bind_dn("hufu-reader"), bind_password=password))
        with pytest.raises(Misconfigured) as caught:
            reader.probe()
        assert caught.value.code is Code.AD_NO_RIGHTS
        reader.close()

    def test_a_mark_elsewhere_in_the_domain_is_somebody_elses(
        self, harness: SambaHarness, real: ActiveDirectory
    ) -> None:
        """Another registry in the same domain counts its agencies as we do."""
        inside = harness.agency()
        base = harness.seen(inside, harness.make(inside)).address
        theirs = harness.agency()
        harness.make(theirs)
        ours = ActiveDirectory(replace(real.settings, base_dn=base))
        for desired in (theirs, replace(theirs, exists=False), replace(theirs, name=f"{theirs.name}.7")):
            assert look(ours, desired, in_flight=True) is None
        ours.close()

    def test_an_ou_of_ours_that_is_missing_stops_the_target(self, real: ActiveDirectory) -> None:
        lost = ActiveDirectory(replace(real.settings, base_dn=f"OU=lost,{real.settings.base_dn}"))
        with pytest.raises(Misconfigured):
            lost.probe()
        lost.close()

    def test_a_wrong_password_stops_the_target(self, real: ActiveDirectory) -> None:
        wrong = ActiveDirectory(replace(real.settings, bind_password="not-it"))
        with pytest.raises(Misconfigured) as caught:
            wrong.probe()
        assert caught.value.code is Code.AD_BIND_REFUSED

    def test_a_certificate_of_somebody_else_stops_the_target(self, real: ActiveDirectory, tmp_path: Path) -> None:
        other = (tmp_path / "other.pem", tmp_path / "other.key")
        authority.ensure_authority(*other, now=datetime.now(UTC))
        with pytest.raises(Misconfigured) as caught:
            ActiveDirectory(replace(real.settings, ca_file=other[0])).probe()
        assert caught.value.code is Code.AD_CERTIFICATE

    def test_nobody_at_home_is_unreachable(self, real: ActiveDirectory) -> None:
        with pytest.raises(Unreachable):
            ActiveDirectory(replace(real.settings, url="ldaps://127.0.0.99:636")).probe()


def silent(tmp_path: Path, *, born: datetime) -> tuple[tuple[Path, Path], Path]:
    """A certificate that lives for a day, and the authority it is from."""
    ca, own = ((tmp_path / f"{name}.pem", tmp_path / f"{name}.key") for name in ("ca", "own"))
    authority.ensure_authority(*ca, now=born)
    authority.issue(*ca, *own, now=born, lifetime=timedelta(days=1))
    return own, ca[0]


@pytest.mark.parametrize(
    ("age", "error", "code"),
    [(timedelta(days=2), Misconfigured, Code.AD_CERTIFICATE), (timedelta(0), Unreachable, Code.AD_TIMEOUT)],
    ids=["expired certificate", "no answer"],
)
def test_who_shows_an_expired_certificate_stops_the_target_and_who_says_nothing_is_not_asked_again(
    tmp_path: Path, age: timedelta, error: type[TargetError], code: Code
) -> None:
    own, ca = silent(tmp_path, born=datetime.now(UTC) - age)
    with listening(own) as (port, callers):
        settings = DirectorySettings(
            f"ldaps://127.0.0.1:{port}", ca, "cn=x", "x", "dc=x", connect_seconds=1, call_seconds=1
        )
        with pytest.raises(error) as caught:
            ActiveDirectory(settings).probe()
    assert caught.value.code is code
    assert len(callers) == 1


@pytest.mark.parametrize(
    ("said", "error", "code"),
    [
        (51, Unreachable, Code.AD_BUSY),
        (52, Unreachable, Code.AD_BUSY),
        (1, Unreachable, Code.AD_BUSY),
        (49, Misconfigured, Code.AD_BIND_REFUSED),
        (8, Misconfigured, Code.AD_BIND_REFUSED),
    ],
    ids=["busy", "unavailable", "operations error", "invalid credentials", "stronger authentication required"],
)
def test_whom_the_directory_does_not_let_in_asks_nothing_before_it_does(
    tmp_path: Path, said: int, error: type[TargetError], code: Code
) -> None:
    asked: list[int] = []

    def answer(request: bytes) -> bytes:
        asked.append(operation(request))
        return b"" if asked[-1] == UNBIND else result(request, said if len(asked) == 1 else 0)

    with answering(tmp_path, answer) as directory:
        with pytest.raises(error) as caught:
            look(directory, NOBODY)
        assert look(directory, NOBODY) is None
    assert caught.value.code is code
    assert asked == [BIND, UNBIND, BIND, SEARCH, UNBIND]


@pytest.mark.parametrize("said", [1, 51, 80], ids=["operations error", "busy", "other"])
def test_what_the_directory_does_not_do_and_gives_no_reason_for_is_tried_again(tmp_path: Path, said: int) -> None:
    def answer(request: bytes) -> bytes:
        asked = operation(request)
        return b"" if asked == UNBIND else result(request, said if asked == SEARCH else 0)

    with answering(tmp_path, answer) as directory, pytest.raises(Transient) as caught:
        look(directory, NOBODY)
    assert caught.value.code is Code.AD_BUSY


NOBODY = Desired(Kind.ACCOUNT, "1", "hufu:account:1", "x", None, fields={"sAMAccountName": "x"})
BIND, UNBIND, SEARCH = 0x60, 0x42, 0x63
# What answers to which request.
ANSWERED = {BIND: 0x61, SEARCH: 0x65}


def operation(request: bytes) -> int:
    """Which request it is: after its length and its number (RFC 4511, 4.1.1)."""
    return request[_number_at(request) + 3]


def result(request: bytes, code: int) -> bytes:
    """The answer that only says this (RFC 4511, 4.1.9)."""
    number_at = _number_at(request)
    said = bytes([ANSWERED[operation(request)], 7, 0x0A, 1, code, 4, 0, 4, 0])
    return bytes([0x30, 3 + len(said)]) + request[number_at : number_at + 3] + said


def _number_at(request: bytes) -> int:
    return 2 + (request[1] & 0x7F if request[1] & 0x80 else 0)


@contextmanager
def answering(tmp_path: Path, answer: Callable[[bytes], bytes]) -> Iterator[ActiveDirectory]:
    """A directory that answers so."""
    own, ca = silent(tmp_path, born=datetime.now(UTC))
    with listening(own, answer) as (port, _):
        settings = DirectorySettings(f"ldaps://127.0.0.1:{port}", ca, "cn=x", "x", "dc=x")
        with closing(ActiveDirectory(settings)) as directory:
            yield directory


@contextmanager
def listening(
    certificate: tuple[Path, Path], answer: Callable[[bytes], bytes] = lambda request: b""
) -> Iterator[tuple[int, list[str]]]:
    """A server's port, and who has called it: it shows each this certificate, and answers until he leaves."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    callers: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, (address, *_) = server.accept()
                    callers.append(address)
                    with connection, suppress(OSError), context.wrap_socket(connection, server_side=True) as caller:
                        while request := caller.recv(4096):
                            caller.sendall(answer(request))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1], callers
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def lockout_after(stack: Stack, account_name: str, failures: int) -> Iterator[None]:
    """A password rule for one account, so that nobody else on this server is locked out."""
    directory = stack.server("directory")
    assert isinstance(directory, Directory)
    rule = f"lock-{account_name}"
    settings: Callable[..., str] = directory._tool
    options = [f"--account-lockout-threshold={failures}", "--account-lockout-duration=30"]
    options += ["--reset-account-lockout-after=30", "--min-pwd-length=8", "--complexity=on"]
    settings("domain", "passwordsettings", "pso", "create", rule, "1", *options)
    try:
        settings("domain", "passwordsettings", "pso", "apply", rule, account_name)
        yield
    finally:
        settings("domain", "passwordsettings", "pso", "delete", rule)
