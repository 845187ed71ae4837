"""Servers that are away and workers that are killed: nothing is lost, nothing is double, all of it by itself."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.processes import ended, running, without
from tests.kit.faults.world import Office, office_on, until


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    with office_on(stack) as made:
        # Its agencies stand before anything is broken.
        made.found("北", "南")
        made.appoint(1)
        before = [made.approve("北"), made.approve("南")]
        until(lambda: all(made.mail_is_sent(each) for each in (*before, *made.managers)))
        yield made


@pytest.fixture(autouse=True)
def agreement(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test registry, directory and Keycloak agree, whether it ran alone or after others."""
    (name,) = {"office", "small_office"} & set(request.fixturenames)
    office: Office = request.getfixturevalue(name)
    yield
    until(lambda: not office.waiting())
    assert disagreements(office) == []


@pytest.mark.requirement("S1-025", "S1-026")
def test_from_approval_to_the_mail_without_a_second_try(office: Office) -> None:
    account_id = office.approve("北")
    until(lambda: office.mail_is_sent(account_id))
    assert len(office.mails(account_id)) == 1
    assert len(office.in_directory(account_id)) == len(office.in_keycloak(account_id)) == 1
    assert {office.row(office.key(account_id, target)).generation for target in (Target.AD, Target.KEYCLOAK)} == {1}


@pytest.mark.requirement("X-11")
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
        waiting = [office.approve("北") for _ in range(3)]
        until(lambda: any(office.step(account_id, step)[0] is StepState.RETRYING for account_id in waiting))
        told = {office.step(account_id, step) for account_id in waiting}
        assert {code for state, code in told if state is StepState.RETRYING} <= codes
    finally:
        if heals == "thaw":
            office.stack.thaw(server)
        else:
            office.stack.start([server])
    office.stack.server(server).wait_until_healthy()
    until(lambda: all(office.mail_is_sent(account_id) for account_id in waiting), 40)


@pytest.mark.parametrize("server", ["redis", "postgres", "relay", "worker"])
def test_what_only_carries_the_work_may_be_killed_at_any_time(office: Office, server: str) -> None:
    before = office.approve("北")
    office.stack.kill(server)
    if server != "postgres":
        during = office.approve("北")
    office.stack.start([server])
    after = office.approve("北")
    accounts = [before, after] if server == "postgres" else [before, during, after]
    until(lambda: all(office.mail_is_sent(account_id) for account_id in accounts))


def test_without_redis_and_relay_the_worker_still_looks_by_itself(office: Office) -> None:
    office.stack.stop(["relay"])
    office.stack.kill("redis")
    try:
        account_id = office.approve("北")
        until(lambda: office.mail_is_sent(account_id), 40)
    finally:
        office.stack.start(["redis", "relay"])


@pytest.fixture(scope="module")
def small_office(stack_without_directory: Stack) -> Iterator[Office]:
    """One without a directory."""
    with office_on(stack_without_directory) as made:
        made.found("北")
        first = made.approve("北")
        until(lambda: made.mail_is_sent(first))
        yield made


def test_without_a_directory_approvals_wait_for_keycloak_just_the_same(small_office: Office) -> None:
    small_office.stack.freeze("keycloak")
    try:
        account_id = small_office.approve("北")
        until(lambda: small_office.step(account_id, StepName.KEYCLOAK)[0] is StepState.RETRYING)
    finally:
        small_office.stack.thaw("keycloak")
    until(lambda: small_office.mail_is_sent(account_id))
    (user,) = small_office.in_keycloak(account_id)
    assert user["groups"] == [small_office.agency("北").oid]
    assert (user["attributes"]["display_name"], user["attributes"]["title"]) == (["王小明"], ["科員"])


@pytest.mark.parametrize("death", ["keycloak after Create", "keycloak before mail"])
def test_without_a_directory_a_killed_worker_leaves_nothing_double(small_office: Office, death: str) -> None:
    with without(small_office.stack, ["worker"]):
        account_id = small_office.approve("北")
        with running(small_office.stack, "worker", "--die", *death.split()) as doomed:
            assert ended(doomed, 40) == -signal.SIGKILL
    until(lambda: small_office.mail_is_sent(account_id))
    (user,) = small_office.in_keycloak(account_id)
    assert user["groups"] == [small_office.agency("北").oid]
    assert small_office.records(account_id) == {
        "account.opened": 1,
        "account.made_in_keycloak": 1,
        "account.activation_mail": 1,
    }
    assert len(small_office.mails(account_id)) == 1
