"""Lanes and batches, pauses by hand, missing rights, and what is wished for while a row is in hand."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountKind
from hufu_registry.accounts.use_cases import (
    disable_account,
    restore_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_registry.sync.model.desired import DirectorySchema
from hufu_registry.sync.model.plan import Create
from hufu_registry.sync.store import due_targets, queue_samples, work_rows
from hufu_registry.sync.use_cases import converge_now, pause_target, resume_target
from hufu_sync.bootstrap import Parts
from hufu_sync.desired_state import TargetConfig, desired_of
from hufu_sync.errors import Misconfigured, NoRightsError, Refused, TargetError, Transient, Unreachable
from hufu_sync.health import Heart
from hufu_sync.relay import sample
from hufu_sync.settings import SyncSettings
from tests.kit.clocks import SetClock
from tests.kit.engine import DONE, Engine
from tests.kit.guard import transfer_account
from tests.kit.targets.fakes import FakeTarget

BULK = sa.update(outbox).where(outbox.c.kind == "account").values(bulk=True)


# Batches.


def test_a_batch_costs_two_reads_and_one_write_an_account(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    several = [engine.account(chain[0]) for _ in range(8)]
    engine.ad.calls.clear()
    engine.keycloak.calls.clear()
    engine.run()
    assert engine.ad.calls == ["find account", *["Create account"] * 8, "find account"]
    assert engine.keycloak.calls == ["find account", *["Create account"] * 8, "find account", *["mail"] * 8]
    assert engine.records("account.made_in_ad") == len(several) + 1


def test_what_is_wrong_with_one_of_a_batch_fails_that_one(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    taken = engine.account(chain[0], "wangxm09")
    engine.ad.stand_in_the_way("wangxm09")
    odd, refused, good = (engine.account(chain[0]) for _ in range(3))
    engine.ad.spoil(f"hufu:account:{odd}", Transient(Code.AD_BUSY))
    engine.ad.spoil(f"hufu:account:{refused}", Refused(Code.PROTECTED_IN_AD))
    engine.run()
    assert engine.story(taken)[StepName.AD] == (StepState.PARKED, Code.NAME_TAKEN_IN_AD)
    assert engine.story(odd)[StepName.AD] == (StepState.RETRYING, Code.AD_BUSY)
    assert engine.story(refused)[StepName.AD] == (StepState.PARKED, Code.PROTECTED_IN_AD)
    assert engine.story(good)[StepName.MAIL] == DONE


def test_a_target_that_goes_away_in_the_middle_of_a_batch_costs_no_tries(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    engine.account(chain[0])
    engine.run()
    several = [engine.account(chain[0]) for _ in range(4)]
    left = [2]

    def away(call: str) -> None:
        left[0] -= call == "Create account"
        if left[0] <= 0:
            raise Unreachable(Code.AD_UNREACHABLE)

    engine.ad.before = away
    engine.lanes[Target.AD].drain()
    assert sum(len(engine.ad.of(f"hufu:account:{one}")) for one in several) == 1
    assert all(engine.row(Target.AD, Kind.ACCOUNT, one).attempts == 0 for one in several)
    engine.ad.heal()
    engine.run()
    assert [engine.story(one)[StepName.MAIL] for one in several] == [DONE] * 4
    assert engine.records("account.made_in_ad") == 5


def test_a_refused_value_parks_that_value_and_not_the_account(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        account = work.accounts.get(account_id, lock=True)
        changed = replace(account, profile=replace(account.profile, title="長", name="王大明"))
        work.accounts.save(changed)
        enqueue_account(work, engine.services, changed)
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.ad.fail(Refused(Code.AD_REFUSED_VALUE, "title"), when="SetFields account")
    engine.run()
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    assert (in_ad.enabled, len(engine.keycloak.logouts)) == (False, 1)
    row = engine.row(Target.AD, Kind.ACCOUNT, account_id)
    assert (row.error, row.parked_at is not None) == ("ad_refused_value", True)
    # What is not written is not believed to be.
    engine.ad.heal()
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert (in_ad.fields["title"], in_ad.fields["displayName"]) == ("長", "王大明")


def test_attributes_we_know_nothing_of_are_left_alone(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    in_ad.fields["info"] = "theirs"
    transfer_account(account_id, chain[1].id, engine.services, OPERATOR)
    engine.run()
    assert in_ad.fields["info"] == "theirs"


# Lanes.


def test_a_persons_act_does_not_wait_for_a_bulk_that_holds_every_other_lane(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    engine.account(chain[0])
    engine.run()
    for _ in range(6):
        engine.account(chain[0])
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(BULK)
    holding, go_on = threading.Event(), threading.Event()

    def slow(call: str) -> None:
        if call == "Create account" and threading.current_thread().name == "bulk":
            holding.set()
            assert go_on.wait(20)

    engine.ad.before = slow
    urgent_lane, other = engine.build_lanes(ad_lanes=2)[Target.AD]
    thread = threading.Thread(target=other.drain, name="bulk")
    thread.start()
    assert holding.wait(20)
    urgent = engine.account(chain[0])
    urgent_lane.drain()
    assert len(engine.ad.of(f"hufu:account:{urgent}")) == 1
    assert len([thing for thing in engine.ad.things.values() if thing.kind is Kind.ACCOUNT]) == 2
    go_on.set()
    thread.join()
    assert len([thing for thing in engine.ad.things.values() if thing.kind is Kind.ACCOUNT]) == 8


def test_bulk_and_peoples_acts_are_never_claimed_together(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    bulk = {str(engine.account(chain[0])) for _ in range(3)}
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(BULK)
    urgent = str(engine.account(chain[0]))
    with engine.services.begin(SYSTEM) as work:
        first = work.queue.claim(Target.AD, uuid4(), timedelta(seconds=30), limit=8)
        second = work.queue.claim(Target.AD, uuid4(), timedelta(seconds=30), limit=8)
    assert [row.key.object_id for row in first] == [urgent]
    assert {row.key.object_id for row in second} == bulk


def test_lanes_of_two_workers_do_nothing_twice(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[3]) for _ in range(20)]
    engine.ad.delay = engine.keycloak.delay = 0.002
    lanes = [
        lane
        for _ in range(2)
        for of_target in engine.build_lanes(ad_lanes=3, keycloak_lanes=3, batch_rows=3).values()
        for lane in of_target
    ]
    for _ in range(8):
        threads = [threading.Thread(target=lane.drain) for lane in lanes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    engine.run()
    assert len(engine.keycloak.mails) == len(set(engine.keycloak.mails)) == len(several)
    for target in (engine.ad, engine.keycloak):
        created = [call for call in target.calls if call.startswith("Create")]
        assert (created.count("Create account"), created.count("Create agency")) == (len(several), len(chain))


def test_a_frozen_worker_that_wakes_up_writes_nothing_any_more(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.account(chain[0])
    engine.run()
    several = [engine.account(chain[0]) for _ in range(3)]
    frozen = [0.0]
    monkeypatch.setattr("hufu_sync.converge.row.monotonic", lambda: monotonic() + frozen[0])
    other = engine.another_worker()[Target.AD]

    def freeze(call: str) -> None:
        if call == "Create account":
            engine.ad.heal()
            clock.advance(seconds=31)
            frozen[0] += 31
            other.drain()
            engine.ad.calls.append("awake")

    engine.ad.after = freeze
    engine.lanes[Target.AD].drain()
    # It had sent its first; the others it knows to be somebody else's.
    awake = engine.ad.calls.index("awake")
    assert engine.ad.calls[awake + 1 :] == ["find account"]
    assert engine.ad.calls.count("Create account") == 1 + len(several)
    assert engine.metrics.rows.labels("ad", "lease_lost")._value.get() == 3
    assert engine.records("account.made_in_ad") == 4


def test_an_object_that_another_worker_made_a_moment_ago_is_no_collision(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    engine.account(chain[0])
    engine.run()
    account_id = engine.account(chain[0])
    twin = FakeTarget(things=engine.ad.things)

    def made_meanwhile(call: str) -> None:
        if call == "Create account":
            engine.ad.heal()
            with engine.services.begin(SYSTEM) as work:
                key = OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id))
                desired = desired_of(
                    work, [key], TargetConfig(Target.AD, with_directory=True, schema=DirectorySchema("agency.test"))
                )[key].desired
            assert desired is not None
            twin.apply(Create(desired), desired, None)

    engine.ad.before = made_meanwhile
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE
    assert len(engine.ad.of(f"hufu:account:{account_id}")) == 1


# A pause by hand.


def test_while_a_target_is_paused_by_hand_nothing_is_done_there_nor_asked(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="")
    account_id = engine.account(chain[0])
    engine.run()
    pause_target(Target.AD, "maintenance", engine.services, OPERATOR)
    engine.ad.heal()
    engine.ad.calls.clear()
    engine.run()
    another = engine.account(chain[0])
    with engine.services.read() as connection:
        assert due_targets(connection, engine.clock.now()) == []
        of_ad = [row for row in work_rows(connection, Page()).rows if row.key.target is Target.AD]
    assert engine.ad.calls == []
    assert engine.story(another)[StepName.AD] == (StepState.WAITING, Code.TARGET_PAUSED)
    assert [row.paused for row in of_ad] == [True] * 3
    resume_target(Target.AD, engine.services, OPERATOR)
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == engine.story(another)[StepName.MAIL] == DONE
    pause_target(Target.AD, "maintenance", engine.services, OPERATOR)
    converge_now(account_id, engine.services, OPERATOR)
    assert engine.story(account_id)[StepName.AD] == (StepState.DONE, Code.TARGET_PAUSED)


# A wish that comes while its row is in hand.


@pytest.mark.parametrize("error", [Refused(Code.AD_REFUSED), Transient(Code.AD_BUSY)], ids=["parked", "put off"])
def test_a_newer_wish_does_not_inherit_the_failure_of_the_older(
    engine: Engine, chain: Sequence[Agency], error: TargetError
) -> None:
    account_id = engine.account(chain[0])
    engine.run()

    def overtaken(call: str) -> None:
        if call == "SetEnabled account":
            engine.ad.heal()
            restore_account(account_id, engine.services, SYSTEM, reason="mistake")
            disable_account(account_id, engine.services, SYSTEM, reason="none")
            raise error

    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.ad.before = overtaken
    engine.lanes[Target.AD].drain()
    row = engine.row(Target.AD, Kind.ACCOUNT, account_id)
    assert (row.applied_generation == row.generation, row.parked_at, row.error) == (True, None, None)
    assert not engine.ad.things[engine.in_ad(account_id)].enabled


# Rights.


def test_where_our_own_probe_cannot_be_written_the_whole_target_pauses(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    batch: int = SyncSettings.model_fields["batch_rows"].default
    several = [engine.account(chain[0]) for _ in range(batch + 1)]

    def denied(call: str) -> None:
        if call == "probe":
            raise Misconfigured(Code.AD_NO_RIGHTS)
        if call == "Create account":
            raise NoRightsError(Code.AD_NO_RIGHTS)

    engine.ad.before = denied
    engine.run()
    parked = [engine.row(Target.AD, Kind.ACCOUNT, account).parked_at for account in several]
    assert parked == [None] * len(several)
    assert engine.ad.calls.count("Create account") <= 1 + batch
    engine.ad.heal()
    engine.run()
    assert [engine.story(account)[StepName.MAIL] for account in several] == [DONE] * len(several)


def test_no_rights_on_one_object_park_that_one(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    cut_off, good = engine.account(chain[0]), engine.account(chain[0])
    engine.ad.spoil(f"hufu:account:{cut_off}", NoRightsError(Code.AD_NO_RIGHTS))
    engine.run()
    assert engine.row(Target.AD, Kind.ACCOUNT, cut_off).parked_at is not None
    assert engine.story(good)[StepName.MAIL] == DONE


# Shared accounts.


def test_a_shared_account_lives_as_any_other(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[1], kind=AccountKind.SHARED)
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    ((_, in_keycloak),) = engine.keycloak.of(f"hufu:account:{account_id}")
    assert in_ad.fields["employeeType"] == "shared"
    transfer_account(account_id, chain[0].id, engine.services, OPERATOR)
    disable_account(account_id, engine.services, OPERATOR, reason="test")
    engine.run()
    for target, thing in ((engine.ad, in_ad), (engine.keycloak, in_keycloak)):
        ((top, _),) = target.of(f"hufu:agency:{chain[0].id}")
        assert (thing.place, thing.enabled) == (top, False)


# What is wanted, and what is remembered.


def test_many_objects_are_read_with_as_many_queries_as_one(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[number % 4]) for number in range(12)]
    engine.run()
    keys = [OutboxKey(Target.AD, Kind.ACCOUNT, str(one)) for one in several]
    keys += [OutboxKey(Target.AD, Kind.AGENCY, str(agency.id)) for agency in chain]
    config = TargetConfig(Target.AD, with_directory=True, schema=DirectorySchema("agency.test"))
    counted: list[str] = []
    sa.event.listen(engine.services.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    with engine.services.begin(SYSTEM) as work:
        counted.clear()
        one = desired_of(work, keys[:1] + keys[-1:], config)
        first = len(counted)
        everything = desired_of(work, keys, config)
    assert len(counted) - first == first
    assert first <= 8
    assert list(everything) == keys
    assert everything[keys[0]] == one[keys[0]]


def test_each_minute_of_the_queue_is_noted_once_though_two_relays_do(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    parts = Parts(engine._settings, engine.services, Heart(), engine.metrics)
    engine.account(chain[0])
    sample(parts)
    sample(parts)
    engine.run()
    clock.advance(minutes=1)
    sample(parts)
    with engine.services.read() as connection:
        rows = connection.execute(sa.select(queue_samples).order_by("at", "target")).all()
    assert [(row.target, row.waiting, row.done) for row in rows] == [
        ("ad", 2, 0),
        ("keycloak", 2, 0),
        ("mail", 0, 0),
        ("ad", 0, 2),
        ("keycloak", 0, 2),
        ("mail", 0, 0),
    ]
