"""Two workers and two relays beside each other, frozen ones that wake up, and processes whose clocks are wrong."""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import sqlalchemy as sa

from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.store.tables import applied_steps
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.processes import QUICK, ended, running, without
from tests.kit.faults.proxy import Fault, before_directory
from tests.kit.faults.world import Office, office_on, until

PILE = 60
LEASE = float(QUICK["HUFU_LEASE_SECONDS"])
HOUR = 3600
WRITE = re.compile("(add|modify|move|delete) ")


@pytest.fixture(scope="module")
def office(stack: Stack) -> Iterator[Office]:
    """Nobody works but whom a test starts."""
    with office_on(stack) as made:
        made.found("北", "南")
        made.appoint(1)
        before = [made.approve("北"), made.approve("南"), *made.managers]
        until(lambda: all(made.mail_is_sent(account_id) for account_id in before))
        with without(stack, ["worker", "relay"]):
            yield made


def creations(office: Office) -> dict[tuple[str, str], int]:
    """How often each object was made, by target and id."""
    with office.services.read() as connection:
        rows = connection.execute(
            sa.select(applied_steps.c.target, applied_steps.c.object_id, sa.func.count())
            .where(applied_steps.c.step == "create")
            .group_by(applied_steps.c.target, applied_steps.c.object_id)
        )
        return {(row[0], row[1]): row[2] for row in rows}


@pytest.mark.requirement("S1-006")
def test_two_workers_and_two_relays_do_everything_once(office: Office) -> None:
    with ExitStack() as crew:
        for program in ("worker", "worker", "relay", "relay"):
            crew.enter_context(running(office.stack, program))
        pile = [office.approve("北" if number % 2 else "南") for number in range(PILE)]
        until(lambda: all(office.is_done(account_id) for account_id in pile))
    made = creations(office)
    # Where the busy directory's answer was lost, nobody knows to have made it: it was found by its mark, and is there once.
    assert {made.get(("ad", str(account_id)), 1) for account_id in pile} == {1}
    assert {len(office.mails(account_id)) for account_id in pile} == {1}
    assert disagreements(office) == []


def test_a_worker_frozen_past_its_lease_neither_writes_nor_records_when_it_wakes_up(office: Office) -> None:
    with (
        before_directory(office.stack.profile).running() as proxy,
        running(office.stack, "worker", HUFU_LDAP_URL=proxy.url) as frozen,
    ):
        proxy.at_next("^add ", Fault.HOLD)
        account_id = office.approve("北")
        until(lambda: proxy.hurt == 1)
        os.kill(frozen.ident or 0, signal.SIGSTOP)
        with running(office.stack, "worker"):
            until(lambda: office.is_done(account_id))
            records, seen = office.records(account_id), proxy.requests[:]
            proxy.heal()
            os.kill(frozen.ident or 0, signal.SIGCONT)
            time.sleep(LEASE)
        assert office.records(account_id) == records
        # It may ask whether the directory is back, which it does by writing its own probe.
        assert [each for each in proxy.requests[len(seen) :] if WRITE.match(each) and "probe" not in each] == []
    assert len(office.mails(account_id)) == 1
    assert disagreements(office) == []


@pytest.mark.parametrize("hours", [2, -2])
def test_a_worker_whose_clock_is_wrong_harms_nobody(office: Office, hours: int) -> None:
    with running(office.stack, "worker"), running(office.stack, "worker", "--jump", str(hours * HOUR)):
        together = [office.approve("北") for _ in range(6)]
        until(lambda: all(office.is_done(account_id) for account_id in together))
    assert {len(office.mails(account_id)) for account_id in together} == {1}
    assert disagreements(office) == []


def test_what_a_worker_held_whose_clock_ran_ahead_is_taken_over_when_it_dies(office: Office) -> None:
    with running(office.stack, "worker", "--jump", str(2 * HOUR), "--die", "ad", "after", "Create") as doomed:
        held = office.approve("北")
        assert ended(doomed, 40) == -signal.SIGKILL
    with running(office.stack, "worker"):
        until(lambda: office.is_done(held))
    assert len(office.mails(held)) == 1
    assert disagreements(office) == []


def test_a_failure_seen_by_a_wrong_clock_is_tried_again_by_right_ones(office: Office) -> None:
    office.stack.kill("directory")
    with running(office.stack, "worker", "--jump", str(2 * HOUR)):
        account_id = office.approve("北")
        until(lambda: office.row(office.key(account_id, Target.AD)).error is not None)
    office.stack.start(["directory"])
    with running(office.stack, "worker"):
        until(lambda: office.is_done(account_id))
