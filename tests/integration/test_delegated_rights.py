"""Who may do what in the directory: the three bind accounts, each with the least it needs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import ldap3
import pytest
from click.testing import CliRunner
from ldap3 import MODIFY_REPLACE

from hufu_stack.demo import registry_of
from hufu_stack.directory import DOMAIN_DN, SECRETS, bind_dn
from hufu_stack.environment import environment
from hufu_stack.layout import BASE_DN
from hufu_stack.secret_files import read_secret
from hufu_stack.stack import Stack
from hufu_sync import logs
from hufu_sync.command import sync
from hufu_sync.errors import Misconfigured
from hufu_sync.targets.ldap_connection import LdapConnection
from tests.kit.faults.independent_readers import bound
from tests.kit.targets.target_harness import SambaHarness, samba

DISABLED = "514"


@dataclass(frozen=True)
class Somebody:
    dn: str
    as_sync: ldap3.Connection
    as_keycloak: ldap3.Connection
    as_reader: ldap3.Connection


def password(text: str) -> list[bytes]:
    return [f'"{text}"'.encode("utf-16-le")]


@pytest.fixture
def somebody(stack: Stack) -> Iterator[Somebody]:
    """An account made by ours in an OU of its own."""
    connections = [bound(stack, account) for account in ("hufu-sync", "hufu-keycloak", "hufu-reader")]
    name = f"rights{secrets.token_hex(3)}"
    place = f"OU={name},{BASE_DN}"
    dn = f"CN={name},{place}"
    ours = connections[0]
    assert ours.add(place, "organizationalUnit"), ours.result
    values = {"sAMAccountName": name, "unicodePwd": password("Tally-of-the-tiger-88"), "userAccountControl": "512"}
    assert ours.add(dn, "user", values), ours.result
    yield Somebody(dn, *connections)
    assert ours.delete(dn), ours.result
    assert ours.delete(place), ours.result
    for connection in connections:
        connection.unbind()


def change(connection: ldap3.Connection, dn: str, name: str, values: list[str] | list[bytes]) -> str:
    connection.modify(dn, {name: [(MODIFY_REPLACE, values)]})
    return str(connection.result["description"])


REFUSED = "insufficientAccessRights"
# Everything about an account that a careless or conquered program might like to write.
WRITABLE = (
    ("userAccountControl", [DISABLED]),
    ("userAccountControl", ["512"]),
    ("lockoutTime", ["0"]),
    ("accountExpires", ["0"]),
    ("sAMAccountName", ["other"]),
    ("userPrincipalName", ["other@agency.test"]),
    ("adminDescription", ["x"]),
    ("employeeNumber", ["x"]),
    ("title", ["x"]),
    ("mail", ["x@agency.test"]),
    ("servicePrincipalName", ["http/x"]),
)


def writes_refused(connection: ldap3.Connection, dn: str) -> None:
    """Nobody but ours changes, makes, moves or deletes anything."""
    for name, values in WRITABLE:
        assert change(connection, dn, name, values) == REFUSED, name
    place = dn.partition(",")[2]
    assert not connection.add(f"OU=made,{place}", "organizationalUnit")
    assert connection.result["description"] == REFUSED
    assert not connection.add(f"CN=made,{place}", "user", {"sAMAccountName": "made"})
    assert connection.result["description"] == REFUSED
    assert not connection.modify_dn(dn, "CN=renamed")
    assert connection.result["description"] == REFUSED
    assert not connection.modify_dn(dn, dn.partition(",")[0], new_superior=BASE_DN)
    assert connection.result["description"] == REFUSED
    assert not connection.delete(dn)
    assert connection.result["description"] == REFUSED


@pytest.mark.requirement("S1-025")
def test_other_systems_read_our_accounts_by_ldap(somebody: Somebody) -> None:
    reader, name = somebody.as_reader, somebody.dn.partition(",")[0].partition("=")[2]
    assert change(somebody.as_sync, somebody.dn, "title", ["科員"]) == "success"
    names = ["title", "userAccountControl", "objectGUID", "unicodePwd", "dBCSPwd", "ntPwdHistory"]
    assert reader.search(BASE_DN, f"(sAMAccountName={name})", "SUBTREE", attributes=names)
    (entry,) = reader.response or []
    found = entry["raw_attributes"]
    assert found["title"] == ["科員".encode()]
    assert len(found["objectGUID"][0]) == 16
    assert not found["unicodePwd"], "what is secret stays so"
    assert not found["dBCSPwd"]
    assert not found["ntPwdHistory"]


def test_other_systems_write_nothing(somebody: Somebody) -> None:
    writes_refused(somebody.as_reader, somebody.dn)
    assert change(somebody.as_reader, somebody.dn, "pwdLastSet", ["0"]) == REFUSED
    assert change(somebody.as_reader, somebody.dn, "unicodePwd", password("Tally-of-the-tiger-99")) == REFUSED


def test_keycloak_sets_passwords_and_nothing_else(somebody: Somebody) -> None:
    keycloak, dn = somebody.as_keycloak, somebody.dn
    assert change(keycloak, dn, "unicodePwd", password("Tally-of-the-tiger-99")) == "success"
    assert change(keycloak, dn, "pwdLastSet", ["-1"]) == "success"
    writes_refused(keycloak, dn)


def test_keycloak_sets_no_password_of_an_account_that_is_not_ours(somebody: Somebody) -> None:
    for theirs in (bind_dn("hufu-sync"), f"CN=Administrator,CN=Users,{DOMAIN_DN}"):
        assert change(somebody.as_keycloak, theirs, "unicodePwd", password("Tally-of-the-tiger-99")) == REFUSED
        assert change(somebody.as_keycloak, theirs, "pwdLastSet", ["-1"]) == REFUSED


def test_ours_changes_state_below_our_ou_and_writes_nothing_elsewhere(somebody: Somebody) -> None:
    assert change(somebody.as_sync, somebody.dn, "userAccountControl", [DISABLED]) == "success"
    assert not somebody.as_sync.add(f"OU=elsewhere,{DOMAIN_DN}", "organizationalUnit")
    assert somebody.as_sync.result["description"] == REFUSED
    assert change(somebody.as_sync, bind_dn("hufu-reader"), "title", ["x"]) == REFUSED


# What an official can do with his password alone, going round Keycloak and the one-time password.

CHOSEN = "Tally-of-the-tiger-88"
RECORD = f"DC=evil,DC=agency.test,CN=MicrosoftDNS,DC=DomainDnsZones,{DOMAIN_DN}"


@dataclass(frozen=True)
class Official:
    harness: SambaHarness
    remote_id: str
    dn: str
    connection: ldap3.Connection


@pytest.fixture
def official(stack: Stack) -> Iterator[Official]:
    """One whom the worker made, with colleagues in his agency and elsewhere, who binds with his password."""
    with samba(stack) as harness:
        assert isinstance(harness, SambaHarness)
        agency = harness.make(harness.agency(harness.make(harness.agency())))
        account = harness.account(agency)
        remote_id = harness.make(account)
        for place in (agency, harness.make(harness.agency())):
            harness.make(harness.account(place))
        harness.write(remote_id, unicodePwd=password(CHOSEN)[0])
        harness.write(remote_id, pwdLastSet="-1")
        settings = harness.target.settings
        server = ldap3.Server(settings.url, tls=ldap3.Tls(ca_certs_file=str(settings.ca_file)), get_info=ldap3.NONE)
        user = f"{account.name}@agency.test"
        with ldap3.Connection(server, user, CHOSEN, check_names=False) as connection:
            yield Official(harness, remote_id, harness.seen(account, remote_id).address, connection)


def made(connection: ldap3.Connection, dn: str, classes: list[str], **values: str) -> bool:
    return bool(connection.add(dn, classes, values))


COMPUTER = ["top", "person", "organizationalPerson", "user", "computer"]


def test_an_official_who_goes_round_the_sign_in_reads_nobody_and_writes_nothing(official: Official) -> None:
    mine, base = official.connection, official.harness.target.settings.base_dn
    mine.search(base, "(objectClass=*)", attributes=["displayName", "telephoneNumber"])
    assert [entry["dn"] for entry in mine.response or []] in ([], [base])
    mine.search(DOMAIN_DN, "(adminDescription=hufu:*)", attributes=["displayName"])
    assert not [entry for entry in mine.response or [] if entry["type"] == "searchResEntry"]
    for name in ("telephoneNumber", "thumbnailPhoto", "title", "homePhone"):
        assert change(mine, official.dn, name, ["x"]) == REFUSED
    assert not made(mine, RECORD, ["top", "dnsNode"])
    assert not made(mine, f"CN=pc,CN=Computers,{DOMAIN_DN}", COMPUTER, sAMAccountName="pc$", userAccountControl="4096")
    writes_refused(mine, official.dn)


@pytest.mark.parametrize("account", sorted(SECRETS))
def test_a_bind_account_writes_nothing_of_its_own_and_no_dns_records(stack: Stack, account: str) -> None:
    connection = bound(stack, account)
    assert change(connection, bind_dn(account), "telephoneNumber", ["1"]) == REFUSED
    assert not made(connection, RECORD, ["top", "dnsNode"])
    assert not made(connection, f"CN=pc,CN=Computers,{DOMAIN_DN}", COMPUTER, sAMAccountName="pc$")
    connection.unbind()


def test_guessing_ends_for_officials_and_locks_no_bind_account(stack: Stack, official: Official) -> None:
    settings = official.harness.target.settings

    def binds(dn: str, word: str) -> bool:
        with (
            closing(LdapConnection(replace(settings, bind_dn=dn, bind_password=word))) as ldap,
            suppress(Misconfigured),
        ):
            return ldap.read("", ("dsServiceName",)) is not None
        return False

    assert binds(official.dn, CHOSEN)
    for dn in (official.dn, bind_dn("hufu-reader")):
        for _ in range(11):
            assert not binds(dn, "wrong")
    assert not binds(official.dn, CHOSEN), "locked"
    bound(stack, "hufu-reader").unbind()


def checked(stack: Stack, tmp_path: Path, dn: str, word: str, *more: str) -> tuple[int, str]:
    (tmp_path / "word").write_text(word)
    options = ["directory", "check", "--as", dn, "--password-file", str(tmp_path / "word"), *more]
    done = CliRunner().invoke(sync, options, env=dict(environment(stack.profile, "worker")))
    return done.exit_code, done.output


def test_the_check_says_so(stack: Stack, official: Official, tmp_path: Path) -> None:
    said = checked(stack, tmp_path, official.dn, CHOSEN)
    assert said == (0, f"no door stands open: the domain's settings and {official.dn}\n")
    reader = bind_dn("hufu-reader")
    assert checked(stack, tmp_path, reader, read_secret(stack.profile, SECRETS["hufu-reader"]), "--reads")[0] == 0


def test_the_check_finds_what_the_schema_gives_everybody_and_protect_takes_it(
    stack: Stack, official: Official, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an earlier version of ours made them, or an administrator by hand."""
    harness, base = official.harness, official.harness.target.settings.base_dn
    name = f"old{secrets.token_hex(3)}"
    place, dn = f"OU={name},{base}", f"CN={name},OU={name},{base}"
    assert harness.connection.add(place, "organizationalUnit", {"adminDescription": "hufu:agency:1"})
    values = {"sAMAccountName": name, "unicodePwd": password(CHOSEN), "userAccountControl": "512"}
    assert harness.connection.add(dn, "user", values | {"adminDescription": "hufu:account:x"})
    code, said = checked(stack, tmp_path, dn, CHOSEN)
    assert code == 1
    assert f": {dn}\n" in said
    assert "homePhone" in said
    assert f"reads 1 of our accounts, {dn}" in checked(stack, tmp_path, official.dn, CHOSEN)[1]
    # The process is the tests', and so are its logs.
    monkeypatch.setattr(logs, "set_up", lambda *_given: None)
    services = registry_of(stack.profile)
    protected = CliRunner().invoke(
        sync, ["directory", "protect"], env=dict(environment(stack.profile, "worker")), obj=lambda: services
    )
    services.engine.dispose()
    assert protected.exit_code == 0
    assert checked(stack, tmp_path, dn, CHOSEN)[0] == 0
    assert checked(stack, tmp_path, official.dn, CHOSEN)[0] == 0
