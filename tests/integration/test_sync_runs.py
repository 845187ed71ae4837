"""Runs, plans, samples and the health of the targets, on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel import store
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.errors import IllegalMove, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.model import Code, ErrorClass, Run, RunCause, RunKind
from hufu_registry.sync.store import (
    applied_steps,
    applied_steps_of,
    count_parked,
    queue_samples,
    queue_samples_of,
    run_of,
    runs,
    sync_run_rows,
    target_states,
    work_rows,
)
from hufu_registry.sync.store.tables import target_health
from hufu_registry.sync.use_cases import (
    converge_agency,
    request_comparison,
    request_plan,
    request_plan_execution,
)
from tests.kit.clocks import SetClock
from tests.kit.guard import transfer_account
from tests.kit.staff import Staff, account_keys, agency_keys
from tests.kit.sync_scenes import PAGE, gone, key_of, set_row

# Runs


def test_a_resynchronisation_is_a_run_that_moves_with_the_work(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor, clock: SetClock
) -> None:
    people = [*staff.hire(chain[3], 3), *staff.hire(chain[2])]
    staff.hire(chain[3], state=AccountState.DELETED)
    (elsewhere,) = staff.hire(chain[1])
    staff.settle()
    run_id = converge_agency(chain[2].id, services, administrator)
    assert staff.unfinished() == account_keys(*people) | agency_keys(chain[2].id, chain[3].id)
    assert staff.bulk() == {True}

    def run() -> Run:
        with services.read() as connection:
            (listed,) = runs(connection, PAGE).rows
            assert listed == run_of(connection, run_id)
        return listed

    assert (run().cause, run().note, run().agency_id) == (RunCause.RESYNCHRONISE, "測試署", chain[2].id)
    assert (run().objects, run().done, run().failed, run().finished_at) == (12, 0, 0, None)
    for one in people[:2]:
        set_row(services, key_of(one), applied_generation=outbox.c.generation, applied_at=clock.now())
    gone(services, key_of(people[0], Target.KEYCLOAK))
    assert (run().done, run().failed) == (2, 1)
    with services.begin(SYSTEM) as work:
        assert work.runs.settle() == 0
    # A later wish of somebody else's does not keep this run open.
    staff.settle()
    transfer_account(people[0], chain[1].id, services, SYSTEM)
    assert run().done == 12
    clock.advance(minutes=1)
    with services.begin(SYSTEM) as work:
        assert work.runs.settle() == 1
    assert (run().done, run().failed) == (12, 0)
    assert run().finished_at == clock.now() - timedelta(minutes=1)
    with services.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(sync_run_rows)).scalar_one() == 0
    assert key_of(elsewhere) not in staff.unfinished()


def test_a_bulk_run_without_work_is_over_at_once(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    run_id = converge_agency(chain[3].id, services, administrator)
    with services.read() as connection:
        found = run_of(connection, run_id)
    assert (found.objects, found.finished_at) == (0, services.clock.now())


def test_a_comparison_is_asked_for_once_and_taken_once(
    services: SqlServices, chain: Sequence[Agency], administrator: Actor, clock: SetClock
) -> None:
    asked = request_comparison(Target.AD, services, administrator)
    assert request_comparison(Target.AD, services, administrator) == asked
    assert request_comparison(Target.KEYCLOAK, services, administrator) != asked
    with services.begin(SYSTEM) as work:
        assert next(run.id for run in work.runs.open_requests(RunKind.COMPARISON)) == asked
        assert work.runs.take(asked)
        assert not work.runs.take(asked)
        work.runs.progress(asked, objects=10, done=3)
    assert request_comparison(Target.AD, services, administrator) == asked, "it is under way"
    clock.advance(minutes=9)
    with services.begin(SYSTEM) as work:
        work.runs.progress(asked, done=5, differing=1)
    clock.advance(minutes=9)
    with services.begin(SYSTEM) as work:
        assert asked not in {run.id for run in work.runs.open_requests(RunKind.COMPARISON)}
    clock.advance(minutes=2)
    with services.begin(SYSTEM) as work:
        assert asked in {run.id for run in work.runs.open_requests(RunKind.COMPARISON)}, "whoever took it has died"
        assert work.runs.take(asked)
        work.runs.finish(asked)
    with services.read() as connection:
        found = run_of(connection, asked)
    assert (found.objects, found.done, found.differing, found.finished_at) == (10, 5, 1, clock.now())
    assert request_comparison(Target.AD, services, administrator) != asked


def test_a_plan_is_asked_for_made_and_executed_once(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    run_id = request_plan(chain[2].id, None, services, administrator)
    of_account = request_plan(None, one, services, administrator)
    with pytest.raises(IllegalMove, match="plan_not_ready"):
        request_plan_execution(run_id, services, administrator)
    with pytest.raises(NotFound):
        request_plan(None, AccountId(uuid4()), services, administrator)
    with services.begin(SYSTEM) as work:
        requests = work.runs.open_requests(RunKind.PLAN)
        assert [(run.id, run.agency_id, run.account_id) for run in requests] == [
            (run_id, chain[2].id, None), (of_account, None, one),
        ]  # fmt: skip
        assert work.runs.body(run_id) == ""
        work.runs.set_body(run_id, "王小明")
        work.runs.finish(run_id)
        assert work.runs.body(run_id) == "王小明"
        assert "王小明" not in str(work.connection.execute(sa.text("SELECT * FROM sync_runs")).all())
    execution = request_plan_execution(run_id, services, administrator)
    assert request_plan_execution(run_id, services, administrator) == execution
    with services.read() as connection:
        found = run_of(connection, execution)
    assert (found.cause, found.plan_id, found.agency_id) == (RunCause.EXECUTION, run_id, chain[2].id)
    with pytest.raises(IllegalMove, match="plan_not_ready"):
        request_plan_execution(execution, services, administrator)
    with pytest.raises(NotFound, match="run"):
        request_plan_execution(uuid4(), services, administrator)


def test_what_was_done_to_an_object_is_listed_newest_first(services: SqlServices, clock: SetClock) -> None:
    with services.begin(SYSTEM) as work:
        for minute, step in enumerate(("create", "set_fields", "disable")):
            work.connection.execute(
                sa.insert(applied_steps).values(
                    target="ad", kind="account", object_id="x", step=step, fields="title mail" if minute == 1 else "",
                    destructive=minute == 2, at=clock.now() + timedelta(minutes=minute),
                )
            )  # fmt: skip
    with services.read() as connection:
        found = applied_steps_of(connection, Kind.ACCOUNT, "x", Page(1, 2))
        assert applied_steps_of(connection, Kind.AGENCY, "x", PAGE).total == 0
    assert found.total == 3
    assert [(row.step, row.fields) for row in found.rows] == [("disable", ()), ("set_fields", ("title", "mail"))]


def test_the_queue_s_samples_are_told_from_a_moment_on(services: SqlServices, clock: SetClock) -> None:
    with services.begin(SYSTEM) as work:
        for minute in range(3):
            at = clock.now() + timedelta(minutes=minute)
            work.connection.execute(
                sa.insert(queue_samples).values(target="ad", at=at, waiting=minute, retrying=0, parked=0, done=9)
            )
    with services.read() as connection:
        since = clock.now() + timedelta(minutes=1)
        assert [one.waiting for one in queue_samples_of(connection, Target.AD, since)] == [1, 2]
        assert queue_samples_of(connection, Target.MAIL, since) == []


def test_each_registry_knows_itself(services: SqlServices) -> None:
    with services.begin(SYSTEM) as work:
        assert isinstance(work.registry_id(), UUID)
        assert work.registry_id() == work.registry_id()


# Health


def test_the_state_of_a_target_is_told_in_figures(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor, clock: SetClock
) -> None:
    with services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(outbox).values(applied_at=clock.now() - timedelta(minutes=5)))
    one, other, third = staff.hire(chain[3], 3)
    for account_id in (one, other, third):
        set_row(services, key_of(account_id), requested_at=clock.now() - timedelta(hours=1))
    gone(services, key_of(one))
    set_row(services, key_of(other), error_class="transient", error="ad_timeout")
    set_row(services, key_of(one, Target.KEYCLOAK), applied_generation=outbox.c.generation, applied_at=clock.now())
    with services.begin(SYSTEM) as work:
        for hours, destructive in ((0, True), (0, False), (2, True)):
            work.connection.execute(
                sa.insert(applied_steps).values(
                    target="ad", kind="account", object_id="x", step="delete", destructive=destructive,
                    at=clock.now() - timedelta(hours=hours),
                )
            )  # fmt: skip
        work.connection.execute(
            sa.insert(target_health).values(target="ad", failing_since=clock.now(), error_class="transient", error="?")
        )
    with services.read() as connection:
        states = {state.target: state for state in target_states(connection)}
    found = states[Target.AD]
    # The two agencies of the chain that had nobody before wait as well.
    assert (found.waiting, found.retrying, found.parked) == (1 + 3, 1, 1)
    assert found.oldest_at == clock.now() - timedelta(hours=1)
    assert (found.rate, found.destructive_last_hour) == (0, 1)
    assert (found.error_class, found.code) == (ErrorClass.TRANSIENT, Code.UNEXPECTED)
    assert states[Target.KEYCLOAK].rate == 1
    assert list(states) == [Target.AD, Target.KEYCLOAK]


def filled(services: SqlServices, *, unfinished: int) -> None:
    """A hundred thousand rows, of which so many still wait."""
    with services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.text(
                "INSERT INTO outbox (target, kind, object_id, generation, applied_generation, requested_at, applied_at)"
                " SELECT 'ad', 'account', n::text, 1, CASE WHEN n <= :unfinished THEN 0 ELSE 1 END, now(),"
                " now() - interval '1 day' FROM generate_series(1, 100000) n"
            ),
            {"unfinished": unfinished},
        )
    with services.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE outbox"))


@contextmanager
def explained(connection: sa.Connection) -> Iterator[list[str]]:
    """PostgreSQL's plan of each query asked meanwhile, with how many rows each step really read."""
    plans: list[str] = []

    def explain(connection: sa.Connection, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        if statement.startswith("SELECT"):
            explaining = "EXPLAIN (ANALYZE, TIMING OFF, COSTS OFF) " + statement
            rows = connection.connection.cursor().execute(explaining, parameters).fetchall()
            plans.append("\n".join(row[0] for row in rows))

    sa.event.listen(connection, "before_cursor_execute", explain)
    yield plans
    sa.event.remove(connection, "before_cursor_execute", explain)


def test_health_reads_the_unfinished_rows_only_however_many_are_done(services: SqlServices) -> None:
    """A hundred thousand finished rows: none of the queries goes through them."""
    filled(services, unfinished=10)
    with services.read() as connection, explained(connection) as plans:
        assert target_states(connection)[0].waiting == 10
        assert len(work_rows(connection, PAGE).rows) == 10
    assert len(plans) >= 3
    assert not [plan for plan in plans if "Seq Scan on outbox" in plan], plans


def test_health_counts_each_state_by_its_own_rows_and_no_further_than_is_shown(
    services: SqlServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(services, unfinished=100_000)
    monkeypatch.setattr(store, "MOST_COUNTED", 20)
    with services.read() as connection, explained(connection) as plans:
        (state,) = target_states(connection)
        assert count_parked(connection) == 0
    assert (str(state.waiting), state.retrying, state.parked) == ("20+", 0, 0)
    assert len(plans) == 2
    # However it is read: nothing hands on, or looks at in vain, more rows than are counted.
    touched = re.findall(r"actual rows=(\d+)|Rows Removed by Filter: (\d+)", "".join(plans))
    assert max(int(rows or removed) for rows, removed in touched) == 21, plans
