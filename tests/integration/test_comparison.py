"""Comparison, the watch on changes, the feed's locks and the clock, on a real PostgreSQL with targets in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.use_cases import delete_account, disable_account, unlock_account
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, Drift, Run, RunCause, RunKind, SignInState
from hufu_registry.sync.model.plan import Observed
from hufu_registry.sync.store import (
    SqlCursors,
    applied_steps,
    bindings,
    change_cursors,
    drift_rows,
    drifts,
    queue_samples,
    runs,
    sign_in_locks,
    sign_in_state,
    sync_runs,
    written_fields,
)
from hufu_registry.sync.store.comparison import alone
from hufu_registry.sync.use_cases import request_comparison, request_plan
from hufu_registry.sync.use_cases.housekeeping import enqueue_deleted, forget_history
from hufu_registry.sync.use_cases.runs import new_run
from hufu_sync import changes
from hufu_sync.bootstrap import Parts, Targets, build_convergers
from hufu_sync.changes import Watch
from hufu_sync.comparison import Comparison, StoppedError, Tally, key_of
from hufu_sync.desired_state import desired_of
from hufu_sync.errors import Refused, Unreachable
from hufu_sync.health import Heart
from hufu_sync.scheduler.comparisons import Comparisons, Nightly, last_night
from hufu_sync.scheduler.group import follow
from hufu_sync.scheduler.process import task_groups
from hufu_sync.targets.port import Locked
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine
from tests.kit.targets.fakes import FakeTarget


class House(Engine):
    """The engine with everything in it that looks."""

    def parts(self) -> Parts:
        settings = self._settings.model_copy(update={"feed_seconds": 0.05, "changes_seconds": 0.05})
        return Parts(settings, self.services, Heart(), self.metrics)

    def targets(self) -> Targets:
        return Targets(self.ad if self._directory else None, self.keycloak, self.post)

    def comparison(self, target: Target = Target.AD) -> Comparison:
        return Comparison(build_convergers(self.parts(), self.targets())[target])

    def comparisons(self, target: Target = Target.AD) -> Comparisons:
        return Comparisons(self.comparison(target), lambda: None, lambda: False)

    def compare(self, target: Target = Target.AD) -> Tally:
        """One full comparison; what it wanted is not done yet."""
        tally = self.comparison(target).run(request_comparison(target, self.services, OPERATOR))
        assert tally is not None
        return tally

    def watch(self) -> Watch:
        return Watch(self.comparison(), self.ad)

    def drifts(self, target: Target = Target.AD) -> dict[tuple[str, str], Drift]:
        with self.services.read() as connection:
            rows = drift_rows(connection, self.services.keys, Page(), target=target, now=self.clock.now()).rows
        return {(row.key.object_id, row.field): row for row in rows}

    def runs(self) -> Sequence[Run]:
        with self.services.read() as connection:
            return runs(connection, Page()).rows

    def sign_in_state(self, account_id: AccountId) -> SignInState:
        with self.services.read() as connection:
            return sign_in_state(connection, account_id, self.clock.now())[0]

    def pending(self) -> set[tuple[str, str, bool]]:
        with self.services.read() as connection:
            rows = connection.execute(sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation))
            return {(row.target, row.object_id, row.bulk) for row in rows}

    def in_ad(self, account_id: AccountId) -> str:
        ((remote_id, _),) = self.ad.of(f"hufu:account:{account_id}")
        return remote_id

    def in_keycloak(self, account_id: AccountId) -> str:
        ((remote_id, _),) = self.keycloak.of(f"hufu:account:{account_id}")
        return remote_id

    def everything_stored(self) -> dict[str, set[Any]]:
        tables = (outbox, drifts, written_fields, bindings, sign_in_locks, change_cursors, audit_records)
        with self.services.read() as connection:
            return {
                table.name: {tuple(map(str, row)) for row in connection.execute(sa.select(table))} for table in tables
            }


@pytest.fixture
def house(services: SqlServices, database: RegistrySettings, clock: SetClock) -> House:
    return House(services, database, clock, directory=True)


@pytest.fixture
def people(house: House, chain: Sequence[Agency]) -> list[AccountId]:
    """Three accounts that stand everywhere."""
    made = [house.account(chain[1]) for _ in range(3)]
    house.run()
    # What was done while a page is read is not judged by it.
    house.clock.advance(minutes=1)
    return made


def observed(things: FakeTarget, kind: Kind, fields: Collection[str]) -> list[Observed]:
    return [one for page in things.everything(kind, fields) for one in page]


# A comparison of everybody.


def test_what_somebody_else_changed_is_listed_with_both_values_since_it_was_seen(
    house: House, people: list[AccountId]
) -> None:
    house.ad.things[house.in_ad(people[0])].fields["title"] = "他人改的"
    first = house.clock.now()
    assert house.compare() == Tally(objects=5, differing=1, failed=0)
    house.clock.advance(hours=1)
    house.compare()
    ((key, drift),) = house.drifts().items()
    assert key == (str(people[0]), "title")
    assert (drift.there, drift.wanted) == ("他人改的", "科員")
    assert (drift.since, drift.seen_at) == (first, house.clock.now())
    assert house.pending() == set()
    house.ad.things[house.in_ad(people[0])].fields["title"] = "科員"
    house.compare()
    assert house.drifts() == {}


def test_a_comparison_that_finds_nothing_writes_nothing(house: House, people: list[AccountId]) -> None:
    before, calls = house.everything_stored(), len(house.ad.calls)
    for target in (Target.AD, Target.KEYCLOAK):
        assert house.compare(target) == Tally(objects=5)
    after = house.everything_stored()
    # That somebody asked for it is the one thing on record.
    asked = after.pop("audit_records") - before.pop("audit_records")
    assert (after, len(asked)) == (before, 2)
    assert house.ad.calls[calls:] == ["everything agency", "everything account"]


def test_what_hangs_on_state_and_membership_is_put_right_by_itself(house: House, people: list[AccountId]) -> None:
    disable_account(people[0], house.services, SYSTEM, reason="test")
    house.run()
    house.clock.advance(minutes=1)
    house.ad.things[house.in_ad(people[0])].enabled = True
    thrown_out, put_in = (house.keycloak.things[house.in_keycloak(one)] for one in people[1:])
    group = thrown_out.place
    thrown_out.place = None
    put_in.surplus.add(str(uuid4()))
    assert house.compare(Target.AD).differing == 1
    assert house.compare(Target.KEYCLOAK).differing == 2
    assert house.pending() == {
        ("ad", str(people[0]), True),
        ("keycloak", str(people[1]), True),
        ("keycloak", str(people[2]), True),
    }
    assert house.drifts() == house.drifts(Target.KEYCLOAK) == {}
    house.run()
    assert house.ad.things[house.in_ad(people[0])].enabled is False
    assert (thrown_out.place, put_in.surplus) == (group, set())


def test_what_waits_for_the_worker_is_his_to_judge(house: House, people: list[AccountId]) -> None:
    house.ad.things[house.in_ad(people[0])].fields["title"] = "他人改的"
    with house.services.begin(SYSTEM) as work:
        enqueue_account(work, house.services, work.accounts.get(people[0]))
    assert house.compare().differing == 0
    assert house.drifts() == {}


def test_what_the_worker_wrote_after_the_page_was_read_is_no_drift(
    house: House, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = house.ad.everything

    def old_page(kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        page = deepcopy([one for page in everything(kind, fields) for one in page])
        if kind is Kind.ACCOUNT:
            with house.services.begin(SYSTEM) as work:
                account = work.accounts.get(people[0], lock=True)
                changed = replace(account, profile=replace(account.profile, title="科長"))
                work.accounts.save(changed)
                enqueue_account(work, house.services, changed)
            house.run()
        yield page

    monkeypatch.setattr(house.ad, "everything", old_page)
    assert house.compare().differing == 0
    assert (house.drifts(), house.ad.things[house.in_ad(people[0])].fields["title"]) == ({}, "科長")


def test_a_value_of_the_registry_that_never_arrived_is_wanted_again(house: House, people: list[AccountId]) -> None:
    with house.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET title = '科長' WHERE id = :id"), {"id": people[0]})
    house.compare()
    assert house.pending() == {("ad", str(people[0]), True)}
    house.run()
    assert house.ad.things[house.in_ad(people[0])].fields["title"] == "科長"


def test_ours_that_is_gone_is_listed_in_the_directory_and_made_again_in_keycloak(
    house: House, people: list[AccountId]
) -> None:
    del house.ad.things[house.in_ad(people[0])]
    del house.keycloak.things[house.in_keycloak(people[1])]
    assert house.compare(Target.AD) == Tally(objects=5, differing=1)
    assert house.compare(Target.KEYCLOAK) == Tally(objects=5, differing=1)
    ((key, drift),) = house.drifts().items()
    assert key == (str(people[0]), "@missing")
    assert drift.wanted
    house.run()
    assert len(house.keycloak.of(f"hufu:account:{people[1]}")) == 1
    assert house.ad.of(f"hufu:account:{people[0]}") == []


def test_ours_that_is_found_again_is_missed_no_more(house: House, people: list[AccountId]) -> None:
    remote_id = house.in_ad(people[0])
    thing = house.ad.things.pop(remote_id)
    house.compare()
    assert set(house.drifts()) == {(str(people[0]), "@missing")}
    house.ad.things[remote_id] = thing
    house.compare()
    assert house.drifts() == {}


def test_ours_whose_mark_was_taken_away_is_missing(house: House, people: list[AccountId]) -> None:
    house.ad.things[house.in_ad(people[0])].mark = ""
    house.compare()
    assert set(house.drifts()) == {(str(people[0]), "@missing")}


def test_what_the_list_did_not_show_is_asked_for_before_it_is_missed(
    house: House, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.ad.things[house.in_ad(people[1])].fields["title"] = "他人改的"
    everything = house.ad.everything
    hidden = {house.in_ad(one) for one in people[:2]}

    def shown(kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        for page in everything(kind, fields):
            yield [one for one in page if one.remote_id not in hidden]

    monkeypatch.setattr(house.ad, "everything", shown)
    assert house.compare() == Tally(objects=5, differing=1)
    assert set(house.drifts()) == {(str(people[1]), "title")}


def test_what_cannot_be_judged_is_counted_and_stops_nobody(house: House, people: list[AccountId]) -> None:
    thing = house.ad.things.pop(house.in_ad(people[0]))
    house.ad.spoil(thing.mark, Refused(Code.PROTECTED_IN_AD))
    house.ad.things[house.in_ad(people[1])].fields["title"] = "他人改的"
    assert house.compare() == Tally(objects=5, differing=1, failed=1)


def test_what_bears_our_mark_and_is_none_of_ours_is_listed_and_left_alone(
    house: House, people: list[AccountId]
) -> None:
    ours = house.ad.things[house.in_ad(people[0])]
    copied, unknown, odd = (deepcopy(ours) for _ in range(3))
    unknown.mark = f"hufu:account:{uuid4()}"
    odd.mark = "hufu:account:nobody"
    house.ad.things |= {str(uuid4()): thing for thing in (copied, unknown, odd)}
    assert house.compare() == Tally(objects=8, differing=2, failed=1)
    strays = {(str(people[0]), "@stray"), (unknown.mark.removeprefix("hufu:account:"), "@stray")}
    assert set(house.drifts()) == strays
    house.clock.advance(hours=1)
    house.compare()
    assert set(house.drifts()) == strays
    assert house.pending() == set()
    for thing in (copied, unknown):
        house.ad.things = {remote_id: one for remote_id, one in house.ad.things.items() if one is not thing}
    house.clock.advance(hours=1)
    house.compare()
    assert house.drifts() == {}


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        (Kind.ACCOUNT, "hufu:agency:1"),
        (Kind.ACCOUNT, "hufu:account:1"),
        (Kind.ACCOUNT, "hufu:account:"),
        (Kind.ACCOUNT, ""),
        (Kind.AGENCY, "hufu:agency:x"),
        (Kind.AGENCY, "hufu:agency:１"),
        (Kind.AGENCY, f"hufu:agency:{2**63}"),
        (Kind.AGENCY, "hufu:agency:-1"),
    ],
)
def test_a_mark_that_is_not_ours_names_nobody(kind: Kind, mark: str) -> None:
    assert key_of(Target.AD, kind, mark) is None


@pytest.mark.parametrize(
    ("target", "directory"), [(Target.AD, True), (Target.KEYCLOAK, True), (Target.KEYCLOAK, False)]
)
def test_every_field_we_keep_is_asked_for(
    services: SqlServices,
    database: RegistrySettings,
    clock: SetClock,
    chain: Sequence[Agency],
    target: Target,
    directory: bool,
) -> None:
    house = House(services, database, clock, directory=directory)
    account_id = house.account(chain[0])
    house.run()
    comparison = house.comparison(target)
    with services.begin(SYSTEM) as work:
        keys = [OutboxKey(target, Kind.ACCOUNT, str(account_id)), OutboxKey(target, Kind.AGENCY, str(chain[0].id))]
        for key, snapshot in desired_of(work, keys, comparison.config).items():
            assert snapshot.desired is not None
            assert set(snapshot.desired.fields) == comparison.config.shape.fields[key.kind]
    house.clock.advance(minutes=1)
    assert house.compare(target) == Tally(objects=2)


def test_a_run_tells_how_far_it_is_and_what_it_found(
    house: House, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hufu_sync.comparison.TOLD_EVERY", 0.0)
    house.ad.things[house.in_ad(people[0])].fields["title"] = "他人改的"
    run_id = request_comparison(Target.AD, house.services, OPERATOR)
    seen: list[tuple[int, int]] = []

    def alive() -> None:
        ((objects, done),) = [(run.objects, run.done) for run in house.runs() if run.id == run_id]
        seen.append((objects, done))

    house.comparison().run(run_id, alive=alive)
    (run,) = house.runs()
    assert (run.kind, run.target, run.cause) == (RunKind.COMPARISON, Target.AD, RunCause.ASKED)
    assert (run.objects, run.done, run.differing, run.failed, run.finished_at is None) == (5, 5, 1, 0, False)
    assert seen[-1] == (5, 2)


def test_of_two_at_once_one_does_it(house: House, people: list[AccountId]) -> None:
    run_id = request_comparison(Target.AD, house.services, OPERATOR)
    with alone(house.services.engine, "comparison:ad") as mine:
        assert mine
        assert house.comparison().run(run_id) is None
    assert house.comparison().run(run_id) == Tally(objects=5)
    assert house.comparison().run(run_id) is None


def test_a_run_that_ended_halfway_is_begun_again(house: House, people: list[AccountId]) -> None:
    house.ad.things[house.in_ad(people[0])].fields["title"] = "他人改的"
    run_id = request_comparison(Target.AD, house.services, OPERATOR)
    with pytest.raises(StoppedError):
        house.comparison().run(run_id, stopping=lambda: True)
    house.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="everything account", times=1)
    with pytest.raises(Unreachable):
        house.comparisons().serve()
    house.comparisons().serve()
    assert house.runs()[0].finished_at is None
    house.clock.advance(seconds=30)
    house.comparisons().serve()
    (run,) = house.runs()
    assert (run.id, run.objects, run.differing, run.finished_at) == (run_id, 5, 1, house.clock.now())


def test_very_many_differences_fit_into_their_statements(
    house: House, people: list[AccountId], chain: Sequence[Agency], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hufu_sync.comparison.WRITTEN_AT_ONCE", 2)
    for account_id in people:
        fields = house.ad.things[house.in_ad(account_id)].fields
        fields |= {name: f"{value}?" for name, value in fields.items()}
    house.compare()
    assert len(house.drifts()) == 20
    with house.services.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(drifts)).scalar_one() == 3 * 13


# Locks.


def test_who_is_locked_in_the_directory_is_locked_until_it_ends(house: House, people: list[AccountId]) -> None:
    house.ad.lock(house.in_ad(people[0]), house.clock.now())
    house.compare()
    assert house.sign_in_state(people[0]) is SignInState.LOCKED
    assert house.sign_in_state(people[1]) is SignInState.NORMAL
    house.clock.advance(minutes=16)
    assert house.sign_in_state(people[0]) is SignInState.NORMAL
    house.compare()
    with house.services.read() as connection:
        assert connection.execute(sa.select(sign_in_locks)).all() == []


def test_a_domain_that_locks_for_ever_locks_until_somebody_unlocks(house: House, people: list[AccountId]) -> None:
    house.ad.lockout = None
    house.ad.lock(house.in_ad(people[0]), house.clock.now())
    house.compare()
    house.clock.advance(days=30)
    assert house.sign_in_state(people[0]) is SignInState.LOCKED
    unlock_account(people[0], house.services, OPERATOR)
    house.run()
    house.compare()
    assert (house.sign_in_state(people[0]), house.ad.locks) == (SignInState.NORMAL, {})


def test_a_lock_that_the_directory_lifted_is_lifted_here(house: House, people: list[AccountId]) -> None:
    watch = house.watch()
    watch.poll()
    house.ad.lock(house.in_ad(people[0]), house.clock.now())
    watch.poll()
    assert house.sign_in_state(people[0]) is SignInState.LOCKED
    house.ad.unlock(house.in_ad(people[0]))
    watch.poll()
    assert house.sign_in_state(people[0]) is SignInState.NORMAL


@pytest.mark.parametrize("kind", ["USER_DISABLED_BY_TEMPORARY_LOCKOUT", "USER_DISABLED_BY_PERMANENT_LOCKOUT"])
def test_keycloak_tells_of_its_locks_itself(house: House, people: list[AccountId], kind: str) -> None:
    user_id, now = house.in_keycloak(people[0]), house.clock.now()
    house.keycloak.locks[user_id] = Locked(now, now + timedelta(minutes=15))
    house.keycloak.saw(user_id, kind, at=now)
    house.feed.poll()
    assert house.sign_in_state(people[0]) is SignInState.LOCKED
    # The directory knows nothing of it.
    house.compare()
    assert house.sign_in_state(people[0]) is SignInState.LOCKED
    house.clock.advance(seconds=30)
    house.keycloak.saw(user_id, "LOGIN", at=house.clock.now())
    house.feed.poll()
    assert house.sign_in_state(people[0]) is SignInState.NORMAL


def test_a_lock_nobody_could_be_asked_about_is_asked_about_again(house: House, people: list[AccountId]) -> None:
    user_id, now = house.in_keycloak(people[0]), house.clock.now()
    house.keycloak.locks[user_id] = Locked(now, None)
    house.keycloak.saw(user_id, "USER_DISABLED_BY_TEMPORARY_LOCKOUT", at=now)
    house.keycloak.fail(Unreachable(Code.KEYCLOAK_TIMEOUT), when="lock_of", times=1)
    with pytest.raises(Unreachable):
        house.feed.poll()
    assert house.sign_in_state(people[0]) is SignInState.NORMAL
    house.feed.poll()
    assert house.sign_in_state(people[0]) is SignInState.LOCKED


# What changed since the last look.


def test_a_change_in_the_directory_is_seen_at_the_next_look(house: House, people: list[AccountId]) -> None:
    watch = house.watch()
    assert watch.poll() == 0
    thing = house.ad.things[house.in_ad(people[0])]
    thing.fields["title"] = "他人改的"
    house.ad.touch(thing)
    assert watch.poll() == 1
    assert set(house.drifts()) == {(str(people[0]), "title")}
    assert watch.poll() == 0
    assert [run.kind for run in house.runs()].count(RunKind.CHANGES) == 1
    thing.fields["title"] = "科員"
    house.ad.touch(thing)
    watch.poll()
    assert house.drifts() == {}


def test_a_state_that_was_changed_by_hand_is_put_right_at_once(house: House, people: list[AccountId]) -> None:
    watch = house.watch()
    watch.poll()
    thing = house.ad.things[house.in_ad(people[0])]
    thing.enabled = False
    house.ad.touch(thing)
    watch.poll()
    house.run()
    assert thing.enabled is True


def test_a_renamed_ou_is_seen(house: House, people: list[AccountId], chain: Sequence[Agency]) -> None:
    watch = house.watch()
    watch.poll()
    ((_, ou),) = house.ad.of(f"hufu:agency:{chain[0].id}")
    ou.name = "他人改的"
    house.ad.touch(ou)
    watch.poll()
    assert set(house.drifts()) == {(str(chain[0].id), "@name")}


def test_our_own_writes_are_no_news(house: House, people: list[AccountId], chain: Sequence[Agency]) -> None:
    watch = house.watch()
    watch.poll()
    house.account(chain[2])
    house.run()
    house.clock.advance(minutes=1)
    before = house.everything_stored()
    calls = len(house.ad.calls)
    assert watch.poll() == 2
    after = house.everything_stored()
    assert before.pop("change_cursors") != after.pop("change_cursors")
    assert after == before
    assert house.ad.calls[calls:] == ["changes"]
    assert RunKind.CHANGES not in {run.kind for run in house.runs()}


def test_many_changes_are_read_in_pages(house: House, people: list[AccountId], monkeypatch: pytest.MonkeyPatch) -> None:
    watch = house.watch()
    watch.poll()
    monkeypatch.setattr(changes, "PAGE", 2)
    for account_id in people:
        thing = house.ad.things[house.in_ad(account_id)]
        thing.fields["title"] = "他人改的"
        house.ad.touch(thing)
    assert watch.poll() == 3
    assert len(house.drifts()) == 3


def test_the_cursor_moves_after_what_was_found_is_stored(
    house: House, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = house.watch()
    watch.poll()
    thing = house.ad.things[house.in_ad(people[0])]
    thing.fields["title"] = "他人改的"
    house.ad.touch(thing)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SqlCursors, "move_changes", killed)
        with pytest.raises(KeyboardInterrupt):
            watch.poll()
    assert set(house.drifts()) == {(str(people[0]), "title")}
    assert watch.poll() == 1


@pytest.mark.parametrize("what", ["first", "lost", "restored"])
def test_who_does_not_know_what_happened_compares_everybody(house: House, people: list[AccountId], what: str) -> None:
    watch = house.watch()
    if what != "first":
        watch.poll()
        house.comparisons().serve()
        house.clock.advance(minutes=1)
    if what == "lost":
        with house.services.begin(SYSTEM) as work:
            work.connection.execute(sa.delete(change_cursors))
    if what == "restored":
        house.ad.server = "another"
    house.ad.things[house.in_ad(people[0])].fields["title"] = "他人改的"
    watch.poll()
    watch.poll()
    assert [run.cause for run in house.runs() if run.finished_at is None] == [RunCause.CHANGES]
    house.comparisons().serve()
    assert set(house.drifts()) == {(str(people[0]), "title")}


@pytest.mark.parametrize("hours", [-20, 20])
def test_a_jump_of_our_clock_does_no_harm(house: House, people: list[AccountId], hours: int) -> None:
    watch = house.watch()
    watch.poll()
    thing = house.ad.things[house.in_ad(people[0])]
    thing.fields["title"] = "他人改的"
    house.ad.touch(thing)
    house.clock.advance(hours=hours)
    watch.poll()
    house.clock.advance(hours=-hours)
    house.comparisons().serve()
    assert set(house.drifts()) == {(str(people[0]), "title")}


# Just in time.


@pytest.mark.requirement("S0-22")
def test_who_signs_in_before_he_was_done_is_done_at_once(house: House, chain: Sequence[Agency]) -> None:
    account_id = house.account(chain[0])
    house.run()
    key = OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(account_id))
    user_id = house.in_keycloak(account_id)
    with house.services.begin(SYSTEM) as work:
        # Found in Keycloak before we came to note it.
        work.bindings.unbind([key])
    house.keycloak.saw(user_id, at=house.clock.now())
    house.keycloak.saw("a stranger", at=house.clock.now())
    house.feed.poll()
    assert ("keycloak", str(account_id), False) in house.pending()
    house.run()
    house.feed.poll()
    assert house.pending() == set()


@pytest.mark.requirement("S0-22")
def test_who_signs_in_overtakes_what_nobody_waits_for(house: House, people: list[AccountId]) -> None:
    with house.services.begin(SYSTEM) as work:
        for account_id in people:
            enqueue_account(work, house.services, work.accounts.get(account_id), bulk=True)
    house.keycloak.saw(house.in_keycloak(people[0]), at=house.clock.now())
    house.feed.poll()
    urgent = {(target, object_id) for target, object_id, bulk in house.pending() if not bulk}
    assert urgent == {("ad", str(people[0])), ("keycloak", str(people[0]))}
    house.run()
    house.feed.poll()
    assert house.pending() == set()


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
def eve(services: SqlServices, database: RegistrySettings, clock: SetClock) -> House:
    """At the end of a month, an hour before three in the morning in Taipei."""
    clock.advance(seconds=(datetime(2027, 2, 28, 18, 0, tzinfo=UTC) - clock.now()).total_seconds())
    return House(services, database, clock, directory=True)


def test_everybody_is_compared_once_a_night(eve: House) -> None:
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


def test_two_clocks_have_one_night(eve: House) -> None:
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


def test_a_comparison_that_somebody_asked_for_is_made(house: House, people: list[AccountId]) -> None:
    house.comparisons().serve()
    run_id = request_comparison(Target.AD, house.services, OPERATOR)
    house.clock.advance(minutes=1)
    house.comparisons(Target.KEYCLOAK).serve()
    house.comparisons().serve()
    (run,) = (run for run in house.runs() if run.id == run_id)
    assert (run.objects, run.finished_at) == (5, house.clock.now())


def test_the_nightly_looks_come_with_the_nightly_comparison_alone(house: House, people: list[AccountId]) -> None:
    nightly = Nightly(house.services, house.feed)
    comparisons = replace(house.comparisons(Target.KEYCLOAK), nightly=nightly)
    house.keycloak.fail(Unreachable(Code.KEYCLOAK_UNREACHABLE), when="events", times=1)
    with pytest.raises(Unreachable):
        comparisons.serve()
    comparisons.serve()
    looked = house.keycloak.calls.count("events")
    assert looked == 2
    request_comparison(Target.KEYCLOAK, house.services, OPERATOR)
    comparisons.serve()
    assert house.keycloak.calls.count("events") == looked
    assert all(run.finished_at is not None for run in house.runs())


def test_a_deleted_account_stays_for_its_time_and_then_goes(
    house: House, people: list[AccountId], chain: Sequence[Agency]
) -> None:
    disable_account(people[0], house.services, SYSTEM, reason="test")
    delete_account(people[0], house.services, SYSTEM, reason="test")
    house.run()
    house.clock.advance(days=29)
    assert enqueue_deleted(house.services) == 0
    assert house.ad.things[house.in_ad(people[0])].enabled is False
    house.clock.advance(days=2)
    assert enqueue_deleted(house.services) == 1
    assert {row for row in house.pending() if row[1] == str(people[0])} == {
        ("ad", str(people[0]), True),
        ("keycloak", str(people[0]), True),
    }
    assert enqueue_deleted(house.services) == 0
    house.run()
    mark = f"hufu:account:{people[0]}"
    assert (house.ad.of(mark), house.keycloak.of(mark)) == ([], [])
    assert enqueue_deleted(house.services) == 0
    assert house.state(people[0]) == AccountState.DELETED


def test_what_is_old_is_forgotten(house: House, people: list[AccountId]) -> None:
    house.comparisons().serve()
    request_comparison(Target.AD, house.services, OPERATOR)
    with house.services.begin(SYSTEM) as work:
        work.history.sample_queues()

    def kept() -> list[int]:
        tables = (applied_steps, sync_runs, queue_samples)
        with house.services.read() as connection:
            return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]

    before = kept()
    assert min(before) > 0
    house.clock.advance(days=1)
    forget_history(house.services)
    assert kept() == before
    house.clock.advance(days=400)
    forget_history(house.services)
    # The request is still open.
    assert kept() == [0, 1, 0]


def test_a_plan_is_kept_as_long_as_its_execution(house: House) -> None:
    plan_id = request_plan(None, None, house.services, OPERATOR)
    with house.services.begin(SYSTEM) as work:
        work.runs.finish(plan_id)
    house.clock.advance(days=300)
    with house.services.begin(SYSTEM) as work:
        execution = new_run(work, house.services, RunKind.PLAN, RunCause.EXECUTION)
        work.runs.request(replace(execution, plan_id=plan_id))
        work.runs.finish(execution.id)
    house.clock.advance(days=200)
    forget_history(house.services)
    assert len(house.runs()) == 2
    house.clock.advance(days=201)
    forget_history(house.services)
    assert house.runs() == []


def test_a_comparison_holds_up_nobody(house: House, people: list[AccountId]) -> None:
    comparing, over, stopping = threading.Event(), threading.Event(), threading.Event()

    def slow(call: str) -> None:
        if call == "everything account":
            comparing.set()
            over.wait(30)

    house.ad.before = slow
    parts = house.parts()
    strands = task_groups(parts, house.targets, stopping)
    assert {task.name for todo in strands.values() for task in todo} >= {"feed", "changes", "comparison-ad", "plans"}
    threads = [threading.Thread(target=follow, args=(name, todo, parts, stopping)) for name, todo in strands.items()]
    for thread in threads:
        thread.start()
    try:
        assert comparing.wait(30)
        thing = house.ad.things[house.in_ad(people[0])]
        thing.fields["title"] = "他人改的"
        house.ad.touch(thing)
        deadline = time.monotonic() + 30
        while not house.drifts() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert set(house.drifts()) == {(str(people[0]), "title")}
        assert set(parts.heart.state()) == set(strands)
    finally:
        over.set()
        stopping.set()
        for thread in threads:
            thread.join(30)


def test_without_a_directory_there_is_nothing_to_watch(
    services: SqlServices, database: RegistrySettings, clock: SetClock
) -> None:
    house = House(services, database, clock, directory=False)
    strands = task_groups(house.parts(), house.targets, threading.Event())
    assert [task.name for task in strands["comparisons"]] == ["comparison-keycloak"]
    assert strands["changes"] == ()
