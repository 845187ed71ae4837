"""What somebody else does in the real directory and the real sign-in server is seen, listed or put right."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import ldap3
import pytest
import sqlalchemy as sa

from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Drift, SignInState
from hufu_registry.sync.store import drift_of, run_of, sign_in_state
from hufu_registry.sync.store import drifts as stored
from hufu_registry.sync.use_cases import request_comparison
from hufu_stack.directory import Directory
from hufu_stack.layout import REALM
from hufu_stack.stack import Stack
from tests.kit.faults.world import Office, office_on, until
from tests.kit.realms import ScratchRealm, wrong_passwords


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    with office_on(stack) as found:
        yield found


@pytest.fixture
def account_id(office: Office) -> AccountId:
    made = office.approve()
    until(lambda: office.is_done(made))
    return made


@contextmanager
def administrator(office: Office) -> Iterator[ldap3.Connection]:
    """The domain's own, by LDAP."""
    assert office.directory is not None
    word = f"Aa1!{secrets.token_urlsafe(24)}"
    Directory(office.stack.profile)._tool("user", "setpassword", "Administrator", f"--newpassword={word}")
    with office.directory._server() as server:
        connection = ldap3.Connection(
            server, "Administrator@agency.test", word, auto_bind=True, raise_exceptions=True, check_names=False
        )
        try:
            yield connection
        finally:
            connection.unbind()


def write(connection: ldap3.Connection, dn: str, name: str, value: str) -> None:
    connection.modify(dn, {name: [(ldap3.MODIFY_REPLACE, [value])]})


def drifts(office: Office, account_id: object, target: Target = Target.AD) -> dict[str, Drift]:
    key = OutboxKey(target, Kind.ACCOUNT, str(account_id))
    with office.services.read() as connection:
        its = (stored.c.target == target.value, stored.c.object_id == key.object_id)
        fields = connection.execute(sa.select(stored.c.field).where(*its)).scalars().all()
        return {field: drift_of(connection, office.services.keys, key, field) for field in fields}


def compare(office: Office, target: Target) -> None:
    run_id = request_comparison(target, office.services, OPERATOR)

    def is_over() -> bool:
        with office.services.read() as connection:
            return run_of(connection, run_id).finished_at is not None

    until(is_over, 180)


def state(office: Office, account_id: AccountId) -> tuple[SignInState, set[Target]]:
    with office.services.read() as connection:
        found, locks = sign_in_state(connection, account_id, office.services.clock.now())
    return found, {lock.source for lock in locks}


def test_what_an_administrator_changes_is_seen_without_anybody_comparing(office: Office, account_id: AccountId) -> None:
    assert office.directory is not None
    (entry,) = office.directory.of_account(account_id)
    with administrator(office) as connection:
        write(connection, entry.dn, "title", "他人改的")
        write(connection, entry.dn, "userAccountControl", "514")
        until(lambda: "title" in drifts(office, account_id))
    drift = drifts(office, account_id)["title"]
    assert (drift.there, drift.wanted) == ("他人改的", "科員")
    # Somebody's access hangs on his state, so that is put right; his title waits for a person.
    directory = office.directory
    until(lambda: directory.of_account(account_id)[0].enabled)
    (entry,) = office.directory.of_account(account_id)
    assert entry.values["title"] == "他人改的"
    assert set(drifts(office, account_id)) == {"title"}


def test_a_deleted_entry_is_missed_and_a_copied_mark_is_found(office: Office, account_id: AccountId) -> None:
    assert office.directory is not None
    (entry,) = office.directory.of_account(account_id)
    stray, name = uuid4(), f"x{secrets.token_hex(5)}"
    place = entry.dn.partition(",")[2]
    with administrator(office) as connection:
        connection.delete(entry.dn)
        values = {"sAMAccountName": name, "adminDescription": f"hufu:account:{stray}"}
        connection.add(f"CN={name},{place}", "user", values)
        try:
            until(lambda: "@stray" in drifts(office, stray))
            compare(office, Target.AD)
            assert set(drifts(office, account_id)) == {"@missing"}
            assert set(drifts(office, stray)) == {"@stray"}
            assert name in drifts(office, stray)["@stray"].there
        finally:
            connection.delete(f"CN={name},{place}")
    compare(office, Target.AD)
    assert drifts(office, stray) == {}


def test_a_membership_that_was_taken_away_is_put_back(office: Office, account_id: AccountId) -> None:
    (user,) = office.in_keycloak(account_id)
    (group,) = office.keycloak._get(f"users/{user['id']}/groups")
    office.keycloak.delete(f"users/{user['id']}/groups/{group['id']}")
    assert office.in_keycloak(account_id)[0]["groups"] == []
    compare(office, Target.KEYCLOAK)
    until(lambda: office.in_keycloak(account_id)[0]["groups"] == user["groups"])


@contextmanager
def strict_for(office: Office, account_name: str) -> Iterator[None]:
    """A password policy that locks this one account after three wrong passwords."""
    tool, policy = Directory(office.stack.profile)._tool, f"strict-{account_name}"
    settings = ("domain", "passwordsettings", "pso")
    tool(
        *settings, "create", policy, "1", "--account-lockout-threshold=3",
        "--account-lockout-duration=30", "--reset-account-lockout-after=30",
    )  # fmt: skip
    try:
        tool(*settings, "apply", policy, account_name)
        yield
    finally:
        tool(*settings, "delete", policy)


def test_who_is_locked_by_wrong_passwords_is_locked_and_unlocking_clears_both(
    office: Office, account_id: AccountId
) -> None:
    assert office.directory is not None
    name = office.names[account_id]
    assert state(office, account_id) == (SignInState.NORMAL, set())
    with strict_for(office, name):
        for _ in range(4):
            wrong_password_at_directory(office, name)
        until(lambda: state(office, account_id) == (SignInState.LOCKED, {Target.AD}))
        wrong_passwords(ScratchRealm(office.stack, "ad", REALM).sign_in_address(), name)
        until(lambda: state(office, account_id) == (SignInState.LOCKED, {Target.AD, Target.KEYCLOAK}))
        office.unlock(account_id)
        until(lambda: office.is_done(account_id))
        assert state(office, account_id) == (SignInState.NORMAL, set())
        assert lockout_time(office, account_id) in {"", "0"}
        (user,) = office.in_keycloak(account_id)
        assert office.keycloak._get(f"attack-detection/brute-force/users/{user['id']}")["disabled"] is False
        # Nor does the next look find it locked again.
        compare(office, Target.AD)
        assert state(office, account_id) == (SignInState.NORMAL, set())


def wrong_password_at_directory(office: Office, account_name: str) -> None:
    assert office.directory is not None
    with office.directory._server() as server:
        connection = ldap3.Connection(server, f"{account_name}@agency.test", "wrong", receive_timeout=10)
        try:
            assert not connection.bind()
        finally:
            connection.unbind()


def lockout_time(office: Office, account_id: AccountId) -> str:
    assert office.directory is not None
    (entry,) = office.directory.of_account(account_id)
    with office.directory._open() as connection:
        connection.search(entry.dn, "(objectClass=*)", ldap3.BASE, attributes=["lockoutTime"])
        (found,) = connection.response or []
    return "".join(value.decode() for value in found["raw_attributes"]["lockoutTime"])
