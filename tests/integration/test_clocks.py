"""One time for all processes, PostgreSQL's, and what becomes of rows that were written while it was wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine

from hufu_registry.bootstrap import SqlServices, build_services
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import ErrorClass
from tests.kit.clocks import SetClock

KEY = OutboxKey(Target.KEYCLOAK, Kind.AGENCY, "1")
LEASE = timedelta(seconds=30)


def claim(services: SqlServices) -> list[OutboxKey]:
    with services.begin(SYSTEM) as work:
        return [row.key for row in work.queue.claim(KEY.target, uuid4(), LEASE)]


def test_a_process_whose_clock_is_wrong_tells_the_same_time_as_all_others(database: RegistrySettings) -> None:
    services = build_services(database)
    before = datetime.now(UTC)
    with time_machine.travel(before + timedelta(hours=5)), services.begin(SYSTEM) as work:
        assert before <= work.now < before + timedelta(minutes=1)
        assert work.now.utcoffset() == timedelta(0)
    services.engine.dispose()


@pytest.mark.parametrize("hours", [0.5, 2])
def test_what_was_held_while_the_clock_was_ahead_is_free_when_it_is_right_again(
    services: SqlServices, clock: SetClock, hours: float
) -> None:
    with services.begin(SYSTEM) as work:
        work.outbox.enqueue(KEY)
    clock.advance(hours=hours)
    assert claim(services) == [KEY]
    assert claim(services) == []
    clock.advance(hours=-hours)
    assert claim(services) == [KEY]
    assert claim(services) == []


def test_what_was_put_off_while_the_clock_was_ahead_is_due_when_it_is_right_again(
    services: SqlServices, clock: SetClock
) -> None:
    clock.advance(hours=2)
    with services.begin(SYSTEM) as work:
        work.outbox.enqueue(KEY)
    with services.begin(SYSTEM) as work:
        (row,) = work.queue.claim(KEY.target, uuid4(), LEASE)
        later = work.now + timedelta(minutes=15)
        work.queue.put_back(row, error_class=ErrorClass.TRANSIENT, error="unexpected", next_at=later)
    assert claim(services) == []
    clock.advance(hours=-2)
    assert claim(services) == [KEY]
