"""What is seen between comparisons: locks, changes since the last look, who signs in before it was his turn."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import unlock_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, RunCause, RunKind, SignInState, StepName, StepState
from hufu_registry.sync.model.plan import PLACE
from hufu_registry.sync.store import (
    SqlCursors,
    account_in_targets,
    change_cursors,
    sign_in_locks,
)
from hufu_registry.sync.use_cases import converge_now, overwrite_drift
from hufu_sync import changes
from hufu_sync.errors import NoRightsError, Unreachable
from hufu_sync.scheduler.process import task_groups
from hufu_sync.targets.port import Locked
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine
from tests.kit.targets.fakes import Thing

# Locks.


def test_who_is_locked_in_the_directory_is_locked_until_it_ends(engine: Engine, people: list[AccountId]) -> None:
    engine.ad.lock(engine.in_ad(people[0]), engine.clock.now())
    engine.compare()
    assert engine.sign_in_state(people[0]) is SignInState.LOCKED
    assert engine.sign_in_state(people[1]) is SignInState.NORMAL
    engine.clock.advance(minutes=16)
    assert engine.sign_in_state(people[0]) is SignInState.NORMAL
    engine.compare()
    with engine.services.read() as connection:
        assert connection.execute(sa.select(sign_in_locks)).all() == []


def test_a_domain_that_locks_for_ever_locks_until_somebody_unlocks(engine: Engine, people: list[AccountId]) -> None:
    engine.ad.lockout = None
    engine.ad.lock(engine.in_ad(people[0]), engine.clock.now())
    engine.compare()
    engine.clock.advance(days=30)
    assert engine.sign_in_state(people[0]) is SignInState.LOCKED
    unlock_account(people[0], engine.services, OPERATOR)
    engine.run()
    engine.compare()
    assert (engine.sign_in_state(people[0]), engine.ad.locks) == (SignInState.NORMAL, {})


def test_a_lock_that_the_directory_lifted_is_lifted_here(engine: Engine, people: list[AccountId]) -> None:
    watch = engine.watch()
    watch.poll()
    engine.ad.lock(engine.in_ad(people[0]), engine.clock.now())
    watch.poll()
    assert engine.sign_in_state(people[0]) is SignInState.LOCKED
    engine.ad.unlock(engine.in_ad(people[0]))
    watch.poll()
    assert engine.sign_in_state(people[0]) is SignInState.NORMAL


@pytest.mark.parametrize("kind", ["USER_DISABLED_BY_TEMPORARY_LOCKOUT", "USER_DISABLED_BY_PERMANENT_LOCKOUT"])
def test_keycloak_tells_of_its_locks_itself(engine: Engine, people: list[AccountId], kind: str) -> None:
    user_id, now = engine.in_keycloak(people[0]), engine.clock.now()
    engine.keycloak.locks[user_id] = Locked(now, now + timedelta(minutes=15))
    engine.keycloak.saw(user_id, kind, at=now)
    engine.feed.poll()
    assert engine.sign_in_state(people[0]) is SignInState.LOCKED
    # The directory knows nothing of it.
    engine.compare()
    assert engine.sign_in_state(people[0]) is SignInState.LOCKED
    engine.clock.advance(seconds=30)
    engine.keycloak.saw(user_id, "LOGIN", at=engine.clock.now())
    engine.feed.poll()
    assert engine.sign_in_state(people[0]) is SignInState.NORMAL


def test_a_lock_nobody_could_be_asked_about_is_asked_about_again(engine: Engine, people: list[AccountId]) -> None:
    user_id, now = engine.in_keycloak(people[0]), engine.clock.now()
    engine.keycloak.locks[user_id] = Locked(now, None)
    engine.keycloak.saw(user_id, "USER_DISABLED_BY_TEMPORARY_LOCKOUT", at=now)
    engine.keycloak.fail(Unreachable(Code.KEYCLOAK_TIMEOUT), when="lock_of", times=1)
    with pytest.raises(Unreachable):
        engine.feed.poll()
    assert engine.sign_in_state(people[0]) is SignInState.NORMAL
    engine.feed.poll()
    assert engine.sign_in_state(people[0]) is SignInState.LOCKED


# What changed since the last look.


def test_a_change_in_the_directory_is_seen_at_the_next_look(engine: Engine, people: list[AccountId]) -> None:
    watch = engine.watch()
    assert watch.poll() == 0
    thing = engine.ad.things[engine.in_ad(people[0])]
    thing.fields["title"] = "他人改的"
    engine.ad.touch(thing)
    assert watch.poll() == 1
    assert set(engine.drifts()) == {(str(people[0]), "title")}
    assert watch.poll() == 0
    assert [run.kind for run in engine.runs()].count(RunKind.CHANGES) == 1
    thing.fields["title"] = "科員"
    engine.ad.touch(thing)
    watch.poll()
    assert engine.drifts() == {}


def test_what_is_moved_out_of_our_agencies_is_seen_at_the_next_look_and_brought_back_by_a_person(
    engine: Engine, people: list[AccountId]
) -> None:
    watch = engine.watch()
    watch.poll()
    thing, place = engine.thing(people[0]), engine.thing(people[0]).place
    users = "CN=Users,DC=agency,DC=test"
    thing.place = users
    engine.ad.touch(thing)
    # Another registry of the same domain counts its accounts as we do.
    other = Thing(Kind.ACCOUNT, f"hufu:account:{people[1]}", "theirs", users, True, {})
    engine.ad.things["theirs"] = other
    engine.ad.touch(other)
    assert watch.poll() == 1
    ((key, drift),) = engine.drifts().items()
    assert (key, drift.there) == ((str(people[0]), PLACE), users)
    agency_name = engine.ad.things[str(place)].name
    assert drift.wanted.endswith(agency_name), "an address, no id"
    with engine.services.read() as connection:
        in_ad, _ = account_in_targets(connection, engine.services.keys, people[0])
    assert in_ad.elsewhere == users
    engine.ad.fail(NoRightsError(Code.OUTSIDE_OUR_OU), when="Place account")
    overwrite_drift(drift.key, PLACE, engine.services, OPERATOR)
    engine.run()
    assert engine.story(people[0])[StepName.AD] == (StepState.PARKED, Code.OUTSIDE_OUR_OU)
    engine.ad.heal()
    converge_now(people[0], engine.services, OPERATOR)
    engine.run()
    assert (thing.place, engine.drifts()) == (place, {})


def test_a_state_that_was_changed_by_hand_is_put_right_at_once(engine: Engine, people: list[AccountId]) -> None:
    watch = engine.watch()
    watch.poll()
    thing = engine.ad.things[engine.in_ad(people[0])]
    thing.enabled = False
    engine.ad.touch(thing)
    watch.poll()
    engine.run()
    assert thing.enabled is True


def test_a_renamed_ou_is_seen(engine: Engine, people: list[AccountId], chain: Sequence[Agency]) -> None:
    watch = engine.watch()
    watch.poll()
    ((_, ou),) = engine.ad.of(f"hufu:agency:{chain[0].id}")
    ou.name = "他人改的"
    engine.ad.touch(ou)
    watch.poll()
    assert set(engine.drifts()) == {(str(chain[0].id), "@name")}


def test_our_own_writes_are_no_news(engine: Engine, people: list[AccountId], chain: Sequence[Agency]) -> None:
    watch = engine.watch()
    watch.poll()
    engine.account(chain[2])
    engine.run()
    engine.clock.advance(minutes=1)
    before = engine.everything_stored()
    calls = len(engine.ad.calls)
    assert watch.poll() == 2
    after = engine.everything_stored()
    assert before.pop("change_cursors") != after.pop("change_cursors")
    assert after == before
    assert engine.ad.calls[calls:] == ["changes"]
    assert RunKind.CHANGES not in {run.kind for run in engine.runs()}


def test_many_changes_are_read_in_pages(
    engine: Engine, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = engine.watch()
    watch.poll()
    monkeypatch.setattr(changes, "PAGE", 2)
    for account_id in people:
        thing = engine.ad.things[engine.in_ad(account_id)]
        thing.fields["title"] = "他人改的"
        engine.ad.touch(thing)
    assert watch.poll() == 3
    assert len(engine.drifts()) == 3


def test_the_cursor_moves_after_what_was_found_is_stored(
    engine: Engine, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = engine.watch()
    watch.poll()
    thing = engine.ad.things[engine.in_ad(people[0])]
    thing.fields["title"] = "他人改的"
    engine.ad.touch(thing)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SqlCursors, "move_changes", killed)
        with pytest.raises(KeyboardInterrupt):
            watch.poll()
    assert set(engine.drifts()) == {(str(people[0]), "title")}
    assert watch.poll() == 1


@pytest.mark.parametrize("what", ["first", "lost", "restored"])
def test_who_does_not_know_what_happened_compares_everybody(engine: Engine, people: list[AccountId], what: str) -> None:
    watch = engine.watch()
    if what != "first":
        watch.poll()
        engine.comparisons().serve()
        engine.clock.advance(minutes=1)
    if what == "lost":
        with engine.services.begin(SYSTEM) as work:
            work.connection.execute(sa.delete(change_cursors))
    if what == "restored":
        engine.ad.server = "another"
    engine.ad.things[engine.in_ad(people[0])].fields["title"] = "他人改的"
    watch.poll()
    watch.poll()
    assert [run.cause for run in engine.runs() if run.finished_at is None] == [RunCause.CHANGES]
    engine.comparisons().serve()
    assert set(engine.drifts()) == {(str(people[0]), "title")}


@pytest.mark.parametrize("hours", [-20, 20])
def test_a_jump_of_our_clock_does_no_harm(engine: Engine, people: list[AccountId], hours: int) -> None:
    watch = engine.watch()
    watch.poll()
    thing = engine.ad.things[engine.in_ad(people[0])]
    thing.fields["title"] = "他人改的"
    engine.ad.touch(thing)
    engine.clock.advance(hours=hours)
    watch.poll()
    engine.clock.advance(hours=-hours)
    engine.comparisons().serve()
    assert set(engine.drifts()) == {(str(people[0]), "title")}


# Just in time.


@pytest.mark.requirement("S0-22")
def test_who_signs_in_before_he_was_done_is_done_at_once(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    key = OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(account_id))
    user_id = engine.in_keycloak(account_id)
    with engine.services.begin(SYSTEM) as work:
        # Found in Keycloak before we came to note it.
        work.bindings.unbind([key])
    engine.keycloak.saw(user_id, at=engine.clock.now())
    engine.keycloak.saw("a stranger", at=engine.clock.now())
    engine.feed.poll()
    assert ("keycloak", str(account_id), False) in engine.pending()
    engine.run()
    engine.feed.poll()
    assert engine.pending() == set()


@pytest.mark.requirement("S0-22")
def test_who_signs_in_overtakes_what_nobody_waits_for(engine: Engine, people: list[AccountId]) -> None:
    with engine.services.begin(SYSTEM) as work:
        for account_id in people:
            enqueue_account(work, engine.services, work.accounts.get(account_id), bulk=True)
    engine.keycloak.saw(engine.in_keycloak(people[0]), at=engine.clock.now())
    engine.feed.poll()
    urgent = {(target, object_id) for target, object_id, bulk in engine.pending() if not bulk}
    assert urgent == {("ad", str(people[0])), ("keycloak", str(people[0]))}
    engine.run()
    engine.feed.poll()
    assert engine.pending() == set()


def test_without_a_directory_there_is_nothing_to_watch(
    services: SqlServices, database: RegistrySettings, clock: SetClock
) -> None:
    engine = Engine(services, database, clock, directory=False)
    groups = task_groups(engine.parts(), engine.targets, threading.Event())
    assert [task.name for task in groups["comparisons"]] == ["comparison-keycloak"]
    assert groups["changes"] == ()
