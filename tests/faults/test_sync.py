"""Servers that are away and workers that are killed: nothing is lost, nothing is double, all of it by itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from hufu_registry.sync.model import Code, StepName, StepState
from hufu_stack.stack import Stack
from tests.faults.offices import AGENCY, Office, crashing_worker, ended, office_on, until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    with office_on(stack) as made:
        # Its agencies stand before anything is broken.
        first = made.approve()
        until(lambda: made.mail_is_sent(first))
        yield made


@pytest.mark.requirement("S1-025", "S1-026")
def test_from_approval_to_the_mail_in_a_moment(office: Office) -> None:
    account_id = office.approve()
    assert until(lambda: office.mail_is_sent(account_id)) < 5
    assert len(office.mails(account_id)) == 1


@pytest.mark.parametrize(("breaks", "heals"), [("freeze", "thaw"), ("kill", "start")])
@pytest.mark.parametrize(
    ("server", "step", "codes"),
    [
        ("directory", StepName.AD, {Code.AD_UNREACHABLE, Code.AD_TIMEOUT}),
        ("keycloak", StepName.KEYCLOAK, {Code.KEYCLOAK_UNREACHABLE, Code.KEYCLOAK_TIMEOUT}),
    ],
)
def test_while_a_server_is_away_approvals_wait_and_complete_when_it_is_back(
    office: Office, server: str, step: StepName, codes: set[Code], breaks: str, heals: str
) -> None:
    getattr(office.stack, breaks)(server)
    try:
        waiting = [office.approve() for _ in range(3)]
        until(lambda: office.step(waiting[0], step)[0] is StepState.RETRYING)
        assert all(office.step(account_id, step)[1] in codes for account_id in waiting)
    finally:
        if heals == "thaw":
            office.stack.thaw(server)
        else:
            office.stack.start([server])
    office.stack.server(server).wait_until_healthy()
    until(lambda: all(office.mail_is_sent(account_id) for account_id in waiting), 40)
    for account_id in waiting:
        assert len(office.in_directory(account_id)) == 1
        (user,) = office.in_keycloak(account_id)
        assert office.groups(user["id"]) == [AGENCY]
        assert office.records(account_id)["account.made_in_ad"] == 1
        assert office.records(account_id)["account.made_in_keycloak"] == 1


@pytest.mark.parametrize("server", ["redis", "postgres", "relay", "worker"])
def test_what_only_carries_the_work_may_be_killed_at_any_time(office: Office, server: str) -> None:
    before = office.approve()
    office.stack.kill(server)
    if server != "postgres":
        during = office.approve()
    office.stack.start([server])
    after = office.approve()
    accounts = [before, after] if server == "postgres" else [before, during, after]
    until(lambda: all(office.mail_is_sent(account_id) for account_id in accounts))
    for account_id in accounts:
        assert len(office.in_directory(account_id)) == 1
        assert office.records(account_id)["account.made_in_ad"] == 1


def test_without_redis_and_relay_the_worker_still_looks_by_itself(office: Office) -> None:
    office.stack.stop(["relay"])
    office.stack.kill("redis")
    try:
        account_id = office.approve()
        until(lambda: office.mail_is_sent(account_id), 40)
    finally:
        office.stack.start(["redis", "relay"])


@pytest.mark.parametrize(
    "step",
    [
        ("ad", "before", "Create"),
        ("ad", "after", "Create"),
        ("keycloak", "before", "find"),
        ("keycloak", "after", "Place"),
        ("keycloak", "after", "SetFields"),
        ("keycloak", "before", "mail"),
        ("keycloak", "after", "mail"),
    ],
    ids=" ".join,
)
def test_a_worker_killed_between_two_steps_leaves_nothing_double(office: Office, step: tuple[str, str, str]) -> None:
    office.stack.stop(["worker"])
    try:
        with ended(crashing_worker(office.stack, *step)) as doomed:
            account_id = office.approve()
            assert doomed.wait(40) == -signal.SIGKILL
        assert not office.mail_is_sent(account_id)
    finally:
        office.stack.start(["worker"])
    until(lambda: office.mail_is_sent(account_id))
    assert len(office.in_directory(account_id)) == 1
    (user,) = office.in_keycloak(account_id)
    assert office.groups(user["id"]) == [AGENCY]
    assert office.records(account_id) == {
        "account.opened": 1,
        "account.made_in_ad": 1,
        "account.made_in_keycloak": 1,
        "account.activation_mail": 1,
    }
    time.sleep(0.5)
    assert len(office.mails(account_id)) == (2 if step == ("keycloak", "after", "mail") else 1)


@pytest.fixture(scope="module")
def small_office(stack_without_directory: Stack) -> Iterator[Office]:
    """One without a directory."""
    with office_on(stack_without_directory) as made:
        first = made.approve()
        until(lambda: made.mail_is_sent(first))
        yield made


def test_without_a_directory_approvals_wait_for_keycloak_just_the_same(small_office: Office) -> None:
    small_office.stack.freeze("keycloak")
    try:
        account_id = small_office.approve()
        until(lambda: small_office.step(account_id, StepName.KEYCLOAK)[0] is StepState.RETRYING)
    finally:
        small_office.stack.thaw("keycloak")
    until(lambda: small_office.mail_is_sent(account_id))
    (user,) = small_office.in_keycloak(account_id)
    assert small_office.groups(user["id"]) == [AGENCY]
    assert (user["attributes"]["display_name"], user["attributes"]["title"]) == (["王小明"], ["科員"])


@pytest.mark.parametrize("step", [("keycloak", "after", "Create"), ("keycloak", "before", "mail")], ids=" ".join)
def test_without_a_directory_a_killed_worker_leaves_nothing_double(
    small_office: Office, step: tuple[str, str, str]
) -> None:
    small_office.stack.stop(["worker"])
    try:
        with ended(crashing_worker(small_office.stack, *step)) as doomed:
            account_id = small_office.approve()
            assert doomed.wait(40) == -signal.SIGKILL
    finally:
        small_office.stack.start(["worker"])
    until(lambda: small_office.mail_is_sent(account_id))
    (user,) = small_office.in_keycloak(account_id)
    assert small_office.groups(user["id"]) == [AGENCY]
    assert small_office.records(account_id) == {
        "account.opened": 1,
        "account.made_in_keycloak": 1,
        "account.activation_mail": 1,
    }
    assert len(small_office.mails(account_id)) == 1
