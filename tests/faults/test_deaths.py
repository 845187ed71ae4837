"""Workers and relays that are killed -9 at every boundary between two steps: nothing is lost, nothing is double."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from hufu_registry.kernel.ids import AccountId
from hufu_registry.propagation.model import ActionKind
from hufu_registry.propagation.store import one_time_actions
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.fault_injection import settle
from tests.kit.faults.processes import ended, running, without
from tests.kit.faults.world import Office, office_on, until


@dataclass
class Ward:
    """An office whose own worker and relay are away, and officials in every target, one for each death; and the only
    one of another agency.
    """

    office: Office
    officials: list[AccountId]
    resident: AccountId


@pytest.fixture(scope="module")
def ward(stack: Stack) -> Iterator[Ward]:
    with office_on(stack) as office:
        office.found("北", "南", "東", "西")
        officials = [office.approve("北") for _ in range(sum(act is not approving for act, _ in DEATHS))]
        officials += [office.approve("南"), office.approve("西")]
        until(lambda: all(office.mail_is_sent(account_id) for account_id in officials))
        resident = officials.pop()
        officials.pop()
        with without(stack, ["worker", "relay"]):
            yield Ward(office, officials, resident)


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


def test_workers_killed_at_every_boundary_one_after_the_other_leave_nothing_double(ward: Ward) -> None:
    """Nobody mends in between: each finds what those before it left."""
    office = ward.office
    began = []
    for act, death in DEATHS:
        account_id = act(ward)
        with running(office.stack, "worker", "--die", *death.split()) as doomed:
            assert ended(doomed, 60) == -signal.SIGKILL, death
        began.append((act, death, account_id))
    with running(office.stack, "worker"):
        settle(office, 90)
    repeated = 0
    for act, death, account_id in began:
        once, sent = 1 + (act is restoring), len(office.mails(account_id))
        # Who dies while a mail is sent, whosever it is, cannot note it; that it may have come twice is known.
        assert once <= sent <= tries_to_mail(office, account_id), death
        assert len(office.in_directory(account_id)) == 1, death
        repeated += sent - once
    assert repeated >= 1
    assert disagreements(office) == []


def test_workers_killed_around_the_steps_of_an_agency_leave_nothing_double(ward: Ward) -> None:
    """The first dies with an OU just made, which nobody needs, nor calls so, when the next begins."""
    office = ward.office

    def dies(death: str) -> None:
        with running(office.stack, "worker", "--die", *death.split()) as doomed:
            assert ended(doomed, 60) == -signal.SIGKILL, death

    newcomer = office.approve("東")
    dies("ad after agency:Create")
    office.rename_agency("東", f"{office.agency('東').name}甲")
    office.transfer(newcomer, "北")
    office.rename_agency("西", f"{office.agency('西').name}乙")
    dies("ad after agency:Rename")
    office.move_agency("西", "南")
    dies("keycloak after agency:Place")
    office.transfer(ward.resident, "北")
    dies("ad after agency:Delete")
    with running(office.stack, "worker"):
        settle(office, 90)
    assert disagreements(office) == []


def tries_to_mail(office: Office, account_id: AccountId) -> int:
    mailing = sa.and_(
        one_time_actions.c.account_id == account_id, one_time_actions.c.kind == ActionKind.ACTIVATION_MAIL.value
    )
    with office.services.read() as connection:
        return int(connection.execute(sa.select(sa.func.sum(one_time_actions.c.times)).where(mailing)).scalar_one())


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_relay_killed_around_its_job_loses_nothing(ward: Ward, moment: str) -> None:
    office = ward.office
    account_id = office.approve("北")
    with running(office.stack, "relay", "--die", "relay", moment, "enqueue") as doomed:
        assert ended(doomed, 40) == -signal.SIGKILL
    with running(office.stack, "worker"):
        until(lambda: office.mail_is_sent(account_id))
        settle(office, 90)
    assert disagreements(office) == []
