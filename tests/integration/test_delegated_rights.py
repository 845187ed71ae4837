"""Who may do what in the directory: the three bind accounts, each with the least it needs."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import ldap3
import pytest
from ldap3 import MODIFY_REPLACE

from hufu_stack.directory import DOMAIN_DN, bind_dn
from hufu_stack.layout import BASE_DN
from hufu_stack.stack import Stack
from tests.kit.faults.independent_readers import bound

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
