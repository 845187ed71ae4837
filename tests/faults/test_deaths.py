"""Workers and relays that are killed -9 at every boundary between two steps: nothing is lost, nothing is double."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from hufu_registry.kernel.ids import AccountId
from hufu_stack.stack import Stack
from tests.faults.offices import Office, office_on, until
from tests.faults.processes import running, without
from tests.faults.truth import disagreements

pytestmark = pytest.mark.stack


@dataclass
class Ward:
    """An office whose own worker and relay are away, and officials in every target, one for each death."""

    office: Office
    officials: list[AccountId]


@pytest.fixture(scope="module")
def ward(stack: Stack) -> Iterator[Ward]:
    with office_on(stack) as office:
        office.found("北", "南")
        officials = [office.approve("北") for _ in range(sum(act is not approving for act, _ in DEATHS))]
        officials.append(office.approve("南"))
        until(lambda: all(office.mail_is_sent(account_id) for account_id in officials))
        officials.pop()
        with without(stack, ["worker", "relay"]):
            yield Ward(office, officials)


def approving(ward: Ward) -> AccountId:
    return ward.office.approve("北")


def transferring(ward: Ward) -> AccountId:
    account_id = ward.officials.pop()
    ward.office.transfer(account_id, "南")
    return account_id


def disabling(ward: Ward) -> AccountId:
    account_id = ward.officials.pop()
    ward.office.disable(account_id)
    return account_id


def restoring(ward: Ward) -> AccountId:
    account_id = disabling(ward)
    ward.office.restore(account_id)
    return account_id


def unlocking(ward: Ward) -> AccountId:
    account_id = ward.officials.pop()
    ward.office.unlock(account_id)
    return account_id


DEATHS: Sequence[tuple[Callable[[Ward], AccountId], str]] = [
    (approving, "ad before find"),
    (approving, "ad before Create"),
    (approving, "ad after Create"),
    (approving, "keycloak before find"),
    (approving, "keycloak after find"),
    (approving, "keycloak after Place"),
    (approving, "keycloak after SetFields"),
    (approving, "keycloak before mail"),
    (approving, "keycloak after mail"),
    (approving, "queue before finish"),
    (approving, "queue after finish"),
    (approving, "queue after commit"),
    (transferring, "ad before Place"),
    (transferring, "ad after Place"),
    (transferring, "keycloak after Place"),
    (disabling, "ad after SetEnabled"),
    (disabling, "keycloak before sessions"),
    (disabling, "keycloak after sessions"),
    (unlocking, "ad after unlock"),
    (unlocking, "keycloak after unlock"),
    (restoring, "ad after reset"),
    (restoring, "keycloak after reset"),
]


@pytest.mark.parametrize(
    ("act", "death"), DEATHS, ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_a_worker_killed_between_two_steps_leaves_nothing_double(
    ward: Ward, act: Callable[[Ward], AccountId], death: str
) -> None:
    office, account_id = ward.office, act(ward)
    with running(office.stack, "worker", "--die", *death.split()) as doomed:
        assert doomed.wait(40) == -signal.SIGKILL
    with running(office.stack, "worker"):
        until(lambda: office.is_done(account_id))
    assert len(office.mails(account_id)) == 1 + (act is restoring) + (death == "keycloak after mail")
    assert len(office.in_directory(account_id)) == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_relay_killed_around_its_job_loses_nothing(ward: Ward, moment: str) -> None:
    office = ward.office
    with running(office.stack, "worker"):
        with running(office.stack, "relay", "--die", "relay", moment, "enqueue") as doomed:
            account_id = office.approve("北")
            assert doomed.wait(40) == -signal.SIGKILL
        until(lambda: office.mail_is_sent(account_id))


def test_after_all_deaths_registry_directory_and_keycloak_agree(ward: Ward) -> None:
    assert disagreements(ward.office) == []
