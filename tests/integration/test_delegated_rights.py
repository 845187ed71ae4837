"""Who may do what in the directory: the three bind accounts, each with the least it needs."""

from __future__ import annotations

import secrets
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

import ldap3
import pytest
from ldap3 import MODIFY_REPLACE

from hufu_stack.directory import DOMAIN_DN, SECRETS, bind_dn
from hufu_stack.layout import BASE_DN
from hufu_stack.secret_files import read_secret
from hufu_stack.stack import Stack

DISABLED = "514"


@dataclass(frozen=True)
class Somebody:
    dn: str
    as_sync: ldap3.Connection
    as_keycloak: ldap3.Connection
    as_reader: ldap3.Connection


def bound(stack: Stack, account: str) -> ldap3.Connection:
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=str(stack.profile.certificate("ca")))
    server = ldap3.Server(stack.profile.ldap_url, tls=tls, get_info=ldap3.NONE)
    password = read_secret(stack.profile, SECRETS[account])
    return ldap3.Connection(server, bind_dn(account), password, auto_bind=True, check_names=False)


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


@pytest.mark.requirement("S1-025")
def test_other_systems_read_and_write_nothing(somebody: Somebody) -> None:
    assert somebody.as_reader.search(somebody.dn, "(objectClass=user)", "BASE", attributes=["sAMAccountName"])
    assert change(somebody.as_reader, somebody.dn, "title", ["x"]) == "insufficientAccessRights"


def test_keycloak_sets_passwords_and_nothing_else(somebody: Somebody) -> None:
    keycloak, dn = somebody.as_keycloak, somebody.dn
    assert change(keycloak, dn, "unicodePwd", password("Tally-of-the-tiger-99")) == "success"
    assert change(keycloak, dn, "pwdLastSet", ["-1"]) == "success"
    for name, values in (("userAccountControl", [DISABLED]), ("title", ["x"]), ("adminDescription", ["x"])):
        assert change(keycloak, dn, name, values) == "insufficientAccessRights", name
    assert not keycloak.delete(dn)
    assert keycloak.result["description"] == "insufficientAccessRights"


def test_ours_changes_state_below_our_ou_and_writes_nothing_elsewhere(somebody: Somebody) -> None:
    assert change(somebody.as_sync, somebody.dn, "userAccountControl", [DISABLED]) == "success"
    assert not somebody.as_sync.add(f"OU=elsewhere,{DOMAIN_DN}", "organizationalUnit")
    assert somebody.as_sync.result["description"] == "insufficientAccessRights"
    refused = change(somebody.as_sync, bind_dn("hufu-reader"), "title", ["x"])
    assert refused == "insufficientAccessRights"
