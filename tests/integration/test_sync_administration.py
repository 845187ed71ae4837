"""AD 同步管理作業 on a real PostgreSQL: the lists, and what a system manager does about single rows of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.use_cases import transfer_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel import store
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor, applicant_actor
from hufu_registry.kernel.errors import Denied, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.model import MISSING, STRAY, Code, ErrorClass, Run, RunCause, RunKind, WorkState
from hufu_registry.sync.store import (
    applied_steps,
    applied_steps_of,
    bindings,
    count_parked,
    drift_of,
    drift_rows,
    queue_samples,
    queue_samples_of,
    run_of,
    runs,
    sync_run_rows,
    target_states,
    work_row,
    work_rows,
    written_fields,
)
from hufu_registry.sync.store.tables import target_health
from hufu_registry.sync.use_cases import (
    accept_drift,
    converge_agency,
    drop_work,
    ignore_drift,
    list_drift_again,
    make_again,
    overwrite_drift,
    pause_target,
    request_comparison,
    request_plan,
    request_plan_execution,
    resume_target,
    retry_now,
)
from tests.kit.clocks import SetClock
from tests.kit.staff import Staff, account_keys, agency_keys

PAGE = Page(size=100)


@pytest.fixture
def staff(services: SqlServices) -> Staff:
    return Staff(services)


@pytest.fixture
def manager(staff: Staff, chain: Sequence[Agency]) -> Actor:
    actor = staff.system_manager(chain[0])
    staff.settle()
    return actor


def ad(account_id: AccountId) -> OutboxKey:
    return OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id))


def keycloak(account_id: AccountId) -> OutboxKey:
    return OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(account_id))


def set_row(services: SqlServices, key: OutboxKey, **values: object) -> None:
    its = (outbox.c.target == key.target, outbox.c.kind == key.kind, outbox.c.object_id == key.object_id)
    with services.begin(SYSTEM) as work:
        assert work.connection.execute(sa.update(outbox).where(*its).values(**values)).rowcount == 1


def park(services: SqlServices, key: OutboxKey, code: Code = Code.GONE_IN_AD) -> None:
    set_row(
        services, key, error_class=ErrorClass.GONE.value, error=code.value, attempts=1, parked_at=services.clock.now()
    )


def drifted(services: SqlServices, key: OutboxKey, **values: tuple[str, str]) -> None:
    with services.begin(SYSTEM) as work:
        work.drift.remember({key: values})


def titles(services: SqlServices, **asked: object) -> list[str]:
    with services.read() as connection:
        return [row.title for row in work_rows(connection, PAGE, **asked).rows]


# Who may


@pytest.mark.requirement("S1-076")
def test_only_system_managers_and_the_machine_itself_may(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    staff.appoint(one, chain[3])
    acts: list[Callable[[Actor], object]] = [
        lambda actor: pause_target(Target.AD, "維護", services, actor),
        lambda actor: resume_target(Target.AD, services, actor),
        lambda actor: retry_now(ad(one), services, actor),
        lambda actor: drop_work(ad(one), "不需要", services, actor),
        lambda actor: make_again(ad(one), services, actor),
        lambda actor: converge_agency(chain[3].id, services, actor),
        lambda actor: request_plan(None, None, services, actor),
        lambda actor: request_comparison(Target.AD, services, actor),
        lambda actor: accept_drift(ad(one), "title", services, actor),
        lambda actor: overwrite_drift(ad(one), "title", services, actor),
        lambda actor: ignore_drift(ad(one), "title", staff.today + timedelta(days=9), services, actor),
        lambda actor: list_drift_again(ad(one), "title", services, actor),
    ]
    before = staff.recorded()
    for act in acts:
        with pytest.raises(Denied, match="system_managers_only"):
            act(account_actor(one))
        with pytest.raises(NotFound):
            act(applicant_actor())
    assert staff.recorded() == before
    for actor in (manager, OPERATOR):
        request_plan(None, None, services, actor)


# Waiting work


def test_work_is_found_by_state_target_person_and_agency(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (wang,) = staff.hire(chain[3], name="王大同")
    (lin,) = staff.hire(chain[2], name="林小華")
    park(services, ad(wang))
    set_row(services, keycloak(lin), error_class="transient", error="keycloak_timeout", attempts=2)
    wangs, lins = (f"{n} ({staff.account(one).account_name})" for n, one in (("王大同", wang), ("林小華", lin)))
    assert titles(services, words="王大") == [wangs, wangs]
    assert titles(services, words=staff.account(lin).account_name.upper(), target=Target.AD) == [lins]
    assert titles(services, words="測試署 林") == [lins, lins]
    assert titles(services, words="測試署 王") == [wangs, wangs]
    assert titles(services, words="測試所") == []
    assert titles(services, words="100%_\x00") == []
    assert titles(services, state=WorkState.PARKED) == [wangs]
    assert titles(services, state=WorkState.RETRYING) == [lins]
    assert titles(services, state=WorkState.WAITING, target=Target.KEYCLOAK, words="林") == []
    assert "測試隊" in titles(services, words="測試隊", state=WorkState.WAITING)
    with services.read() as connection:
        found = work_row(connection, ad(wang))
        retried = work_row(connection, keycloak(lin))
        with pytest.raises(NotFound):
            work_row(connection, ad(AccountId(uuid4())))
        page = work_rows(connection, Page(2, 2))
        everything = work_rows(connection, PAGE)
    assert (found.state, found.code, found.error_class) == (WorkState.PARKED, Code.GONE_IN_AD, ErrorClass.GONE)
    assert (found.agency_name, found.next_at, found.attempts) == ("測試院 › 測試部 › 測試署 › 測試隊", None, 1)
    assert (retried.state, retried.code, retried.attempts) == (WorkState.RETRYING, Code.KEYCLOAK_TIMEOUT, 2)
    assert page.total == everything.total
    assert list(page.rows) == list(everything.rows)[2:4]


def test_a_parked_row_is_tried_again_as_a_single_act(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    park(services, ad(one))
    set_row(services, ad(one), bulk=True, next_at=services.clock.now() + timedelta(hours=1))
    retry_now(ad(one), services, manager)
    with services.read() as connection:
        row = work_row(connection, ad(one))
    assert (row.state, row.attempts, row.next_at, row.bulk) == (WorkState.WAITING, 0, services.clock.now(), False)
    staff.settle()
    with pytest.raises(NotFound, match="work"):
        retry_now(ad(one), services, manager)


def test_work_is_dropped_with_a_reason_and_its_acts_with_it(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    with pytest.raises(Invalid):
        drop_work(keycloak(one), " ", services, manager)
    drop_work(keycloak(one), "重複申請", services, manager)
    assert keycloak(one) not in staff.unfinished()
    assert ad(one) in staff.unfinished()
    assert staff.acts(one) == [("activation_mail", "keycloak", "failed")]
    assert staff.recorded("work.dropped") == ["work.dropped"]
    with pytest.raises(NotFound, match="work"):
        drop_work(keycloak(one), "再一次", services, manager)


def test_what_is_gone_is_made_again_and_its_person_gets_a_link(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    (off,) = staff.hire(chain[3], state=AccountState.DISABLED)
    (gone,) = staff.hire(chain[3], state=AccountState.DELETED)
    staff.settle()
    for key in (ad(one), ad(off), keycloak(one)):
        make_again(key, services, manager)
    assert staff.unfinished() >= account_keys(one, off)
    mails = [entry for entry in staff.acts(one) if entry[0] == "activation_mail"]
    assert len(mails) == 2, "the one of its opening, and one for the password that went"
    assert len(staff.acts(off)) == 1
    with services.read() as connection:
        bound = set(connection.execute(sa.select(bindings.c.object_id).where(bindings.c.kind == "account")).scalars())
    assert not bound & {str(one)}
    with pytest.raises(IllegalMove, match="account_state"):
        make_again(ad(gone), services, manager)
    make_again(OutboxKey(Target.KEYCLOAK, Kind.AGENCY, str(chain[3].id)), services, manager)
    assert OutboxKey(Target.KEYCLOAK, Kind.AGENCY, str(chain[3].id)) in staff.unfinished()


def test_a_pause_has_a_reason_and_ends_by_hand(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    staff.hire(chain[3])

    def state() -> tuple[object, str]:
        with services.read() as connection:
            (found,) = (one for one in target_states(connection) if one.target is Target.AD)
        return found.paused_at, found.paused_why

    with pytest.raises(Invalid):
        pause_target(Target.AD, "", services, manager)
    pause_target(Target.AD, "網域控制站維護", services, manager)
    at = services.clock.now()
    pause_target(Target.AD, "別的理由", services, manager)
    assert state() == (at, "網域控制站維護")
    for _ in range(2):
        resume_target(Target.AD, services, manager)
    assert state() == (None, "")
    assert staff.recorded("target.paused", "target.resumed") == ["target.paused", "target.resumed"]


# Drift


@pytest.mark.parametrize(
    ("field", "there", "profile"),
    [
        ("displayName", " 王  大明 ", {"name": "王大明"}),
        ("title", "專員", {"title": "專員"}),
        ("telephoneNumber", "02-87654321#99", {"phone": "02-87654321", "extension": "99"}),
        ("telephoneNumber", "02-87654321", {"phone": "02-87654321", "extension": ""}),
        ("department", "秘書室", {"unit_name": "秘書室", "unit_id": None}),
        ("mail", "Wang@Example.GOV.TW", {"official_mail": "wang@example.gov.tw"}),
        ("mail", "", {"official_mail": None}),
    ],
)
def test_what_stands_in_a_target_is_taken_over(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor,
    field: str, there: str, profile: dict[str, object],
) -> None:  # fmt: skip
    (one,) = staff.hire(chain[3], extension="12", official_mail="old@example.gov.tw")
    staff.settle()
    drifted(services, ad(one), **{field: (there.replace("  ", ""), "ours")})
    accept_drift(ad(one), field, services, manager)
    found = staff.account(one).profile
    assert {name: getattr(found, name) for name in profile} == profile
    assert staff.unfinished() == account_keys(one)
    with services.read() as connection:
        assert drift_rows(connection, services.keys, PAGE, now=services.clock.now()).total == 0
    assert staff.recorded("drift.accepted") == ["drift.accepted"]


def test_what_is_none_of_a_person_s_data_is_not_taken_over(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    (gone,) = staff.hire(chain[3], state=AccountState.DELETED)
    staff.settle()
    before = staff.account(one)
    drifted(services, ad(one), company=("別的機關", "測試隊"), title=("", "科員"), mail=("a@b.example", ""))
    drifted(services, ad(gone), title=("專員", "科員"))
    for key, field, error in (
        (ad(one), "company", IllegalMove),
        (ad(one), "title", Invalid),
        (ad(one), "mail", Invalid),
        (ad(gone), "title", IllegalMove),
        (ad(one), "displayName", NotFound),
    ):
        with pytest.raises(error):
            accept_drift(key, field, services, manager)
    assert staff.account(one) == before
    assert staff.unfinished() == set()


def test_an_old_fault_of_another_field_does_not_stand_in_the_way(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3], mobile="123", official_mail="old@elsewhere.example")
    staff.settle()
    drifted(services, ad(one), title=("專員", "科員"), telephoneNumber=("02-1", "02-81234567"))
    accept_drift(ad(one), "title", services, manager)
    assert staff.account(one).profile.title == "專員"
    with pytest.raises(Invalid, match="phone: phone_shape"):
        accept_drift(ad(one), "telephoneNumber", services, manager)


def test_writing_over_forgets_what_was_written(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    staff.settle()
    drifted(services, ad(one), title=("別的", "科員"))
    with services.begin(SYSTEM) as work:
        work.written_values.remember({ad(one): {"title": "x", "department": "y"}})
    overwrite_drift(ad(one), "title", services, manager)
    with services.read() as connection:
        assert list(connection.execute(sa.select(written_fields.c.field)).scalars()) == ["department"]
    assert staff.unfinished() == {ad(one)}


def test_writing_over_what_is_missing_makes_it_again_and_a_stray_is_left_alone(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    staff.settle()
    stranger = OutboxKey(Target.AD, Kind.ACCOUNT, "not-a-number")
    drifted(services, ad(one), **{MISSING: ("", "")})
    drifted(services, stranger, **{STRAY: ("CN=x", "")})
    overwrite_drift(ad(one), MISSING, services, manager)
    assert staff.unfinished() == account_keys(one)
    with pytest.raises(IllegalMove, match="drift_not_ours"):
        overwrite_drift(stranger, STRAY, services, manager)
    with services.read() as connection:
        (left,) = drift_rows(connection, services.keys, PAGE, now=services.clock.now()).rows
        assert drift_rows(connection, services.keys, PAGE, words="王小明", now=services.clock.now()).total == 0
    assert (left.title, left.there, left.acceptable) == ("not-a-number", "CN=x", False)


def test_what_is_ignored_is_hidden_until_its_day(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor, clock: SetClock
) -> None:
    (one,) = staff.hire(chain[3], name="王大同")
    drifted(services, ad(one), title=("別的", "科員"))
    for bad in (0, 367):
        with pytest.raises(Invalid):
            ignore_drift(ad(one), "title", staff.today + timedelta(days=bad), services, manager)
    ignore_drift(ad(one), "title", staff.today + timedelta(days=7), services, manager)

    def listed(*, ignored: bool) -> list[str]:
        with services.read() as connection:
            found = drift_rows(
                connection, services.keys, PAGE, target=Target.AD, words="大同", ignored=ignored, now=clock.now()
            )
        return [row.field for row in found.rows]

    assert (listed(ignored=False), listed(ignored=True)) == ([], ["title"])
    clock.advance(days=8)
    assert (listed(ignored=False), listed(ignored=True)) == (["title"], [])


def test_a_drift_shows_both_values_to_whoever_may_see_them_and_to_nobody_else(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3], name="王大同")
    drifted(services, ad(one), displayName=("王大明", "王大同"))
    with services.read() as connection:
        found = drift_of(connection, services.keys, ad(one), "displayName")
        stored = str(connection.execute(sa.text("SELECT * FROM drifts")).all())
    assert (found.there, found.wanted, found.acceptable) == ("王大明", "王大同", True)
    assert found.title == f"王大同 ({staff.account(one).account_name})"
    assert "王大" not in stored


# Runs


def test_a_resynchronisation_is_a_run_that_moves_with_the_work(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor, clock: SetClock
) -> None:
    people = [*staff.hire(chain[3], 3), *staff.hire(chain[2])]
    staff.hire(chain[3], state=AccountState.DELETED)
    (elsewhere,) = staff.hire(chain[1])
    staff.settle()
    run_id = converge_agency(chain[2].id, services, manager)
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
        set_row(services, ad(one), applied_generation=outbox.c.generation, applied_at=clock.now())
    park(services, keycloak(people[0]))
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
    assert ad(elsewhere) not in staff.unfinished()


def test_a_bulk_run_without_work_is_over_at_once(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    run_id = converge_agency(chain[3].id, services, manager)
    with services.read() as connection:
        found = run_of(connection, run_id)
    assert (found.objects, found.finished_at) == (0, services.clock.now())


def test_a_comparison_is_asked_for_once_and_taken_once(
    services: SqlServices, chain: Sequence[Agency], manager: Actor, clock: SetClock
) -> None:
    asked = request_comparison(Target.AD, services, manager)
    assert request_comparison(Target.AD, services, manager) == asked
    assert request_comparison(Target.KEYCLOAK, services, manager) != asked
    with services.begin(SYSTEM) as work:
        assert next(run.id for run in work.runs.open_requests(RunKind.COMPARISON)) == asked
        assert work.runs.take(asked)
        assert not work.runs.take(asked)
        work.runs.progress(asked, objects=10, done=3)
    assert request_comparison(Target.AD, services, manager) == asked, "it is under way"
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
    assert request_comparison(Target.AD, services, manager) != asked


def test_a_plan_is_asked_for_made_and_executed_once(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor
) -> None:
    (one,) = staff.hire(chain[3])
    run_id = request_plan(chain[2].id, None, services, manager)
    of_account = request_plan(None, one, services, manager)
    with pytest.raises(IllegalMove, match="plan_not_ready"):
        request_plan_execution(run_id, services, manager)
    with pytest.raises(NotFound):
        request_plan(None, AccountId(uuid4()), services, manager)
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
    execution = request_plan_execution(run_id, services, manager)
    assert request_plan_execution(run_id, services, manager) == execution
    with services.read() as connection:
        found = run_of(connection, execution)
    assert (found.cause, found.plan_id, found.agency_id) == (RunCause.EXECUTION, run_id, chain[2].id)
    with pytest.raises(IllegalMove, match="plan_not_ready"):
        request_plan_execution(execution, services, manager)
    with pytest.raises(NotFound, match="run"):
        request_plan_execution(uuid4(), services, manager)


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
    services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: Actor, clock: SetClock
) -> None:
    with services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(outbox).values(applied_at=clock.now() - timedelta(minutes=5)))
    one, other, third = staff.hire(chain[3], 3)
    for account_id in (one, other, third):
        set_row(services, ad(account_id), requested_at=clock.now() - timedelta(hours=1))
    park(services, ad(one))
    set_row(services, ad(other), error_class="transient", error="ad_timeout")
    set_row(services, keycloak(one), applied_generation=outbox.c.generation, applied_at=clock.now())
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

    def explain(connection: sa.Connection, _cursor: object, statement: str, parameters: object, *_: object) -> None:
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
