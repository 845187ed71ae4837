"""The scheduler: the night's comparison, what is asked for, what is forgotten, and that it holds up nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.use_cases import delete_account, disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, RunCause, RunKind
from hufu_registry.sync.store import (
    applied_steps,
    queue_samples,
    sync_runs,
)
from hufu_registry.sync.use_cases import request_comparison, request_plan
from hufu_registry.sync.use_cases.housekeeping import enqueue_deleted, forget_history
from hufu_registry.sync.use_cases.runs import new_run
from hufu_sync.errors import Unreachable
from hufu_sync.scheduler.comparisons import Nightly, last_night
from hufu_sync.scheduler.group import follow
from hufu_sync.scheduler.process import task_groups
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine

# The clock.


@pytest.mark.parametrize(
    ("now", "night"),
    [
        ("2026-03-01T02:59:59+08:00", "2026-02-28T03:00:00+08:00"),
        ("2026-03-01T03:00:00+08:00", "2026-03-01T03:00:00+08:00"),
        ("2026-03-01T00:00:00+08:00", "2026-02-28T03:00:00+08:00"),
        ("2028-02-29T23:59:59+08:00", "2028-02-29T03:00:00+08:00"),
        ("2027-01-01T00:30:00+08:00", "2026-12-31T03:00:00+08:00"),
        ("2026-12-31T19:00:00+00:00", "2027-01-01T03:00:00+08:00"),
    ],
)
def test_a_night_is_one_of_taipei(now: str, night: str) -> None:
    assert last_night(datetime.fromisoformat(now).astimezone(UTC)) == datetime.fromisoformat(night)


@pytest.fixture
def eve(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    """At the end of a month, an hour before three in the morning in Taipei."""
    clock.advance(seconds=(datetime(2027, 2, 28, 18, 0, tzinfo=UTC) - clock.now()).total_seconds())
    return Engine(services, database, clock, directory=True)


def test_everybody_is_compared_once_a_night(eve: Engine) -> None:
    def comparisons() -> int:
        for target in (Target.AD, Target.KEYCLOAK):
            eve.comparisons(target).serve()
        return len(eve.runs())

    assert comparisons() == 2
    assert comparisons() == 2
    eve.clock.advance(minutes=59, seconds=59)
    assert comparisons() == 2
    eve.clock.advance(seconds=1)
    assert comparisons() == 4
    eve.clock.advance(hours=23, minutes=59)
    assert comparisons() == 4
    eve.clock.advance(minutes=1)
    assert comparisons() == 6
    assert {(run.cause, run.finished_at is None) for run in eve.runs()} == {(RunCause.NIGHTLY, False)}


def test_two_clocks_have_one_night(eve: Engine) -> None:
    for _ in range(3):
        eve.clock.advance(days=1)
        start = threading.Barrier(4)

        def serve(start: threading.Barrier = start) -> None:
            start.wait()
            eve.comparisons().serve()

        threads = [threading.Thread(target=serve) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    eve.comparisons().serve()
    assert len(eve.runs()) == 3


def test_a_comparison_that_somebody_asked_for_is_made(engine: Engine, people: list[AccountId]) -> None:
    engine.comparisons().serve()
    run_id = request_comparison(Target.AD, engine.services, OPERATOR)
    engine.clock.advance(minutes=1)
    engine.comparisons(Target.KEYCLOAK).serve()
    engine.comparisons().serve()
    (run,) = (run for run in engine.runs() if run.id == run_id)
    assert (run.objects, run.finished_at) == (5, engine.clock.now())


def test_the_nightly_looks_come_with_the_nightly_comparison_alone(engine: Engine, people: list[AccountId]) -> None:
    nightly = Nightly(engine.services, engine.feed)
    comparisons = replace(engine.comparisons(Target.KEYCLOAK), nightly=nightly)
    engine.keycloak.fail(Unreachable(Code.KEYCLOAK_UNREACHABLE), when="events", times=1)
    with pytest.raises(Unreachable):
        comparisons.serve()
    comparisons.serve()
    looked = engine.keycloak.calls.count("events")
    assert looked == 2
    request_comparison(Target.KEYCLOAK, engine.services, OPERATOR)
    comparisons.serve()
    assert engine.keycloak.calls.count("events") == looked
    assert all(run.finished_at is not None for run in engine.runs())


def test_a_deleted_account_stays_for_its_time_and_then_goes(
    engine: Engine, people: list[AccountId], chain: Sequence[Agency]
) -> None:
    disable_account(people[0], engine.services, SYSTEM, reason="test")
    delete_account(people[0], engine.services, SYSTEM, reason="test")
    engine.run()
    engine.clock.advance(days=29)
    assert enqueue_deleted(engine.services, SYSTEM) == 0
    assert engine.ad.things[engine.in_ad(people[0])].enabled is False
    engine.clock.advance(days=2)
    assert enqueue_deleted(engine.services, SYSTEM) == 1
    assert {row for row in engine.pending() if row[1] == str(people[0])} == {
        ("ad", str(people[0]), True),
        ("keycloak", str(people[0]), True),
    }
    assert enqueue_deleted(engine.services, SYSTEM) == 0
    engine.run()
    mark = f"hufu:account:{people[0]}"
    assert (engine.ad.of(mark), engine.keycloak.of(mark)) == ([], [])
    assert enqueue_deleted(engine.services, SYSTEM) == 0
    assert engine.state(people[0]) == AccountState.DELETED


def test_what_is_old_is_forgotten(engine: Engine, people: list[AccountId]) -> None:
    engine.comparisons().serve()
    request_comparison(Target.AD, engine.services, OPERATOR)
    with engine.services.begin(SYSTEM) as work:
        work.history.sample_queues()

    def kept() -> list[int]:
        tables = (applied_steps, sync_runs, queue_samples)
        with engine.services.read() as connection:
            return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]

    before = kept()
    assert min(before) > 0
    engine.clock.advance(days=1)
    forget_history(engine.services, SYSTEM)
    assert kept() == before
    engine.clock.advance(days=400)
    forget_history(engine.services, SYSTEM)
    # The request is still open.
    assert kept() == [0, 1, 0]


def test_a_plan_is_kept_as_long_as_its_execution(engine: Engine) -> None:
    plan_id = request_plan(None, None, engine.services, OPERATOR)
    with engine.services.begin(SYSTEM) as work:
        work.runs.finish(plan_id)
    engine.clock.advance(days=300)
    with engine.services.begin(SYSTEM) as work:
        execution = new_run(work, engine.services, RunKind.PLAN, RunCause.EXECUTION)
        work.runs.request(replace(execution, plan_id=plan_id))
        work.runs.finish(execution.id)
    engine.clock.advance(days=200)
    forget_history(engine.services, SYSTEM)
    assert len(engine.runs()) == 2
    engine.clock.advance(days=201)
    forget_history(engine.services, SYSTEM)
    assert engine.runs() == []


def test_a_comparison_holds_up_nobody(engine: Engine, people: list[AccountId]) -> None:
    comparing, over, stopping = threading.Event(), threading.Event(), threading.Event()

    def slow(call: str) -> None:
        if call == "everything account":
            comparing.set()
            over.wait(30)

    engine.ad.before = slow
    parts = engine.parts()
    groups = task_groups(parts, engine.targets, stopping)
    assert {task.name for todo in groups.values() for task in todo} >= {"feed", "changes", "comparison-ad", "plans"}
    threads = [threading.Thread(target=follow, args=(name, todo, parts, stopping)) for name, todo in groups.items()]
    for thread in threads:
        thread.start()
    try:
        assert comparing.wait(30)
        thing = engine.ad.things[engine.in_ad(people[0])]
        thing.fields["title"] = "他人改的"
        engine.ad.touch(thing)
        deadline = time.monotonic() + 30
        while not engine.drifts() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert set(engine.drifts()) == {(str(people[0]), "title")}
        assert set(parts.heart.state()) == set(groups)
    finally:
        over.set()
        stopping.set()
        for thread in threads:
            thread.join(30)
