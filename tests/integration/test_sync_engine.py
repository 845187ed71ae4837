"""Lanes, batches, the guard in the worker, an account's end, and agencies nobody needs any more."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import SECURITY, AccountKind
from hufu_registry.accounts.use_cases import (
    activate_account,
    delete_account,
    disable_account,
    require_password_change,
    restore_account,
    transfer_account,
    unlock_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.notices.model import Mail
from hufu_registry.people.notices import MAILBOX_CODE
from hufu_registry.propagation.model import ActionKind, ActionState
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.propagation.use_cases import enqueue_account, request_action
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_registry.sync.model.desired import DirectoryShape
from hufu_registry.sync.model.plan import Create, SetEnabled
from hufu_registry.sync.model.plan_file import Forecast
from hufu_registry.sync.store import bindings, due_targets, queue_samples, work_rows
from hufu_registry.sync.store.tables import applied_steps
from hufu_registry.sync.use_cases import converge_now, make_again, pause_target, resume_target
from hufu_sync.bootstrap import Parts
from hufu_sync.desired_state import TargetConfig, desired_of
from hufu_sync.errors import Conflict, Misconfigured, Refused, TargetError, Transient, Unreachable
from hufu_sync.health import Heart
from hufu_sync.outcomes import NotForetoldError
from hufu_sync.relay import sample
from hufu_sync.targets.port import Credentials
from tests.integration.test_sync import DONE, Engine
from tests.kit.clocks import SetClock
from tests.kit.targets.fakes import FakeTarget

BULK = sa.update(outbox).where(outbox.c.kind == "account").values(bulk=True)


@pytest.fixture
def engine(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    return Engine(services, database, clock, directory=True)


def there(target: FakeTarget, account_id: AccountId) -> str:
    """Its id in the target."""
    ((remote_id, _),) = target.of(f"hufu:account:{account_id}")
    return remote_id


def agencies_in(target: FakeTarget) -> set[str]:
    return {thing.name for thing in target.things.values() if thing.kind is Kind.AGENCY}


def steps_of(engine: Engine) -> list[tuple[str, str, bool]]:
    with engine.services.read() as connection:
        query = sa.select(applied_steps.c.target, applied_steps.c.step, applied_steps.c.destructive)
        return [(row.target, row.step, row.destructive) for row in connection.execute(query.order_by("number"))]


def limited(engine: Engine, steps_per_hour: int) -> None:
    """From now on the worker takes away so much within an hour, and no more."""
    policy = replace(engine.services.policy, destructive_steps_per_hour=steps_per_hour)
    engine.services = replace(engine.services, policy=policy)
    engine.lanes = engine.another_worker()


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
                    work, [key], TargetConfig(Target.AD, with_directory=True, shape=DirectoryShape("agency.test"))
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


# Taking away.


def test_who_is_disabled_cannot_sign_in_though_the_directory_is_away(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id, bystander = engine.account(chain[0]), engine.account(chain[0])
    engine.run()
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="")
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    converge_now(bystander, engine.services, SYSTEM)
    engine.keycloak.calls.clear()
    engine.run()
    ((user_id, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
    assert (user.enabled, engine.keycloak.logouts) == (False, [user_id])
    # Everybody else waits for the directory.
    assert engine.keycloak.calls == ["find account", "SetEnabled account", "find account", "logout"]


def test_somebody_transferred_and_then_disabled_does_not_wait_for_his_new_group(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    ((_, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
    before = user.place
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="")
    transfer_account(account_id, chain[1].id, engine.services, OPERATOR)
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.run()
    assert (user.enabled, user.place, len(engine.keycloak.logouts)) == (False, before, 1)
    engine.ad.heal()
    engine.run()
    engine.clock.advance(minutes=1)
    engine.run()
    ((group_id, _),) = engine.keycloak.of(f"hufu:agency:{chain[1].id}")
    assert (user.place, engine.row(Target.KEYCLOAK, Kind.ACCOUNT, account_id).error) == (group_id, None)


def test_a_deleted_account_stays_disabled_for_a_while_and_is_then_removed_everywhere(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[3])
    engine.run()
    disable_account(account_id, engine.services, SYSTEM, reason="retired")
    delete_account(account_id, engine.services, SYSTEM, reason="retired")
    engine.run()
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    assert (in_ad.enabled, len(agencies_in(engine.ad))) == (False, 4)
    clock.advance(days=31)
    order: list[str] = []
    engine.ad.after = lambda call: order.append(f"ad {call}")
    engine.keycloak.after = lambda call: order.append(f"keycloak {call}")
    with engine.services.begin(SYSTEM) as work:
        enqueue_account(work, engine.services, work.accounts.get(account_id))
    for _ in range(6):
        engine.run()
        clock.advance(minutes=1)
    for target in (engine.ad, engine.keycloak):
        assert target.things == {}
    assert [call for call in order if call.endswith("Delete account")] == [
        "ad Delete account",
        "keycloak Delete account",
    ]
    with engine.services.read() as connection:
        assert connection.execute(sa.select(bindings)).all() == []
        assert (
            connection.execute(sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation)).all() == []
        )
    assert engine.records("account.removed_in_ad") == engine.records("account.removed_in_keycloak") == 1
    assert engine.records("agency.removed_in_ad") == 4


def test_what_is_gone_already_needs_no_removal(engine: Engine, chain: Sequence[Agency], clock: SetClock) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    disable_account(account_id, engine.services, SYSTEM, reason="retired")
    delete_account(account_id, engine.services, SYSTEM, reason="retired")
    engine.run()
    clock.advance(days=31)
    del engine.ad.things[there(engine.ad, account_id)]
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id).error is None
    assert engine.keycloak.of(f"hufu:account:{account_id}") == []


# Agencies nobody needs any more.


@pytest.mark.parametrize("members", [1, 12])
def test_an_emptied_agency_goes_with_the_last_who_leaves_it(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, members: int
) -> None:
    several = [engine.account(chain[3]) for _ in range(members)]
    engine.run()
    before = {there(engine.ad, one) for one in several}, {there(engine.keycloak, one) for one in several}
    for account_id in several:
        transfer_account(account_id, chain[1].id, engine.services, OPERATOR)
    engine.run()
    for _ in range(4):
        clock.advance(minutes=1)
        engine.run()
    assert len(agencies_in(engine.ad)) == len(agencies_in(engine.keycloak)) == 2
    after = {there(engine.ad, one) for one in several}, {there(engine.keycloak, one) for one in several}
    assert after == before
    with engine.services.read() as connection:
        assert (
            connection.execute(sa.select(outbox).where(outbox.c.generation > outbox.c.applied_generation)).all() == []
        )


def test_an_agency_that_is_needed_again_is_made_again_at_once(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[3])
    engine.run()
    transfer_account(account_id, chain[0].id, engine.services, OPERATOR)
    for _ in range(4):
        engine.run()
        clock.advance(minutes=1)
    assert len(agencies_in(engine.ad)) == 1
    another = engine.account(chain[3])
    engine.run()
    clock.advance(seconds=2)
    engine.run()
    assert engine.story(another)[StepName.MAIL] == DONE
    assert len(agencies_in(engine.ad)) == len(agencies_in(engine.keycloak)) == 4


def test_an_ou_with_things_of_others_in_it_is_left_to_a_person(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[1])
    engine.run()
    ((ou, _),) = engine.ad.of(f"hufu:agency:{chain[1].id}")
    theirs = engine.ad.stand_in_the_way("printer")
    engine.ad.things[theirs].place = ou
    transfer_account(account_id, chain[0].id, engine.services, OPERATOR)
    for _ in range(3):
        engine.run()
        clock.advance(minutes=1)
    row = engine.row(Target.AD, Kind.AGENCY, chain[1].id)
    assert (row.error, row.parked_at is not None) == (Code.OU_NOT_EMPTY.value, True)
    # New people there need not wait for that person.
    another = engine.account(chain[1])
    engine.run()
    assert engine.story(another)[StepName.AD] == DONE


def test_a_name_that_an_older_agency_takes_is_given_up_by_the_younger(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.text("UPDATE agencies SET parent_id = :top, path = path WHERE id = :id"),
            {"top": chain[0].id, "id": chain[2].id},
        )
    for agency in (chain[1], chain[2]):
        engine.account(agency)
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.text("UPDATE agencies SET name = :name WHERE id = :id"), {"name": chain[2].name, "id": chain[1].id}
        )
        work.outbox.enqueue(OutboxKey(Target.AD, Kind.AGENCY, str(chain[1].id)))
    ((_, older),) = engine.ad.of(f"hufu:agency:{chain[1].id}")
    ((_, younger),) = engine.ad.of(f"hufu:agency:{chain[2].id}")
    tries: list[str] = []

    def taken(call: str) -> None:
        if call == "Rename agency" and not tries:
            tries.append(younger.name)
            raise Conflict(Code.OU_TAKEN)

    engine.ad.before = taken
    for _ in range(4):
        engine.run()
        clock.advance(minutes=1)
    assert tries == ["測試署"]
    assert (older.name, younger.name) == ("測試署", "測試署 (20001)")


@pytest.mark.parametrize("names", [("測試署", "測試部"), ("測試署", "測試局")], ids=["swapped", "in a chain"])
def test_agencies_side_by_side_may_take_each_other_s_names(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, names: tuple[str, str]
) -> None:
    pair = (chain[1], chain[2])
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.text("UPDATE agencies SET parent_id = :top WHERE id = :id"), {"top": chain[0].id, "id": chain[2].id}
        )
    for agency in pair:
        engine.account(agency)
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        for agency, name in zip(pair, names, strict=True):
            work.connection.execute(
                sa.text("UPDATE agencies SET name = :name WHERE id = :id"), {"name": name, "id": agency.id}
            )
            work.outbox.enqueue(OutboxKey(Target.AD, Kind.AGENCY, str(agency.id)))
    for _ in range(4):
        engine.run()
        clock.advance(minutes=1)
    assert tuple(engine.ad.of(f"hufu:agency:{agency.id}")[0][1].name for agency in pair) == names
    rows = [engine.row(Target.AD, Kind.AGENCY, agency.id) for agency in pair]
    assert [row.parked_at for row in rows] == [None, None]
    assert all(row.applied_generation == row.generation for row in rows)


def test_who_lost_his_password_with_his_entry_is_mailed_a_link_and_activates_once_more(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[1])
    engine.run()
    assert activate_account(account_id, engine.services, SYSTEM)
    engine.ad.things.pop(there(engine.ad, account_id))
    make_again(OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id)), engine.services, OPERATOR)
    engine.run()
    assert len(engine.ad.of(f"hufu:account:{account_id}")) == 1
    assert len(engine.keycloak.mails) == 2
    assert engine.records("account.remade") == 1
    assert activate_account(account_id, engine.services, SYSTEM)


# The guard in the worker.


def test_too_many_losses_within_an_hour_wait_and_nothing_else_does(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    several = [engine.account(chain[0]) for _ in range(5)]
    engine.run()
    limited(engine, 3)
    for account_id in several:
        disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.run()
    disabled = [one for one in several if not engine.ad.things[there(engine.ad, one)].enabled]
    waiting = [one for one in several if one not in disabled]
    assert len(disabled) == 3
    for account_id in waiting:
        row = engine.row(Target.AD, Kind.ACCOUNT, account_id)
        assert (row.error, row.attempts, row.parked_at) == (Code.DESTRUCTIVE_LIMIT.value, 0, None)
    newcomer = engine.account(chain[0])
    engine.run()
    assert engine.story(newcomer)[StepName.MAIL] == DONE
    clock.advance(minutes=61)
    engine.run()
    assert not any(engine.ad.things[there(engine.ad, one)].enabled for one in several)
    assert engine.records("account.changed_in_ad") == 5


def test_two_workers_together_keep_to_the_limit(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[0]) for _ in range(12)]
    engine.run()
    limited(engine, 5)
    for account_id in several:
        disable_account(account_id, engine.services, SYSTEM, reason="test")
    lanes = [lane for _ in range(3) for lane in engine.build_lanes(batch_rows=2)[Target.AD]]
    threads = [threading.Thread(target=lane.drain) for lane in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in several if not engine.ad.things[there(engine.ad, one)].enabled]) == 5


def test_who_is_disabled_for_security_never_waits(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[0]) for _ in range(4)]
    engine.run()
    limited(engine, 1)
    for account_id in several:
        disable_account(account_id, engine.services, SYSTEM, reason=SECURITY)
    engine.run()
    assert not any(engine.ad.things[there(engine.ad, one)].enabled for one in several)
    assert [step for step in steps_of(engine) if step[1] == "disable"] == [
        (target, "disable", False) for target in ("ad", "keycloak") for _ in several
    ]


def test_a_loss_that_did_not_happen_is_not_counted(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.ad.fail(Refused(Code.AD_NO_RIGHTS), when="SetEnabled")
    engine.run()
    assert ("ad", "disable", True) not in steps_of(engine)
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id).error == Code.AD_NO_RIGHTS.value


def test_nobody_loses_what_the_forecast_did_not_show(engine: Engine, chain: Sequence[Agency]) -> None:
    shown, hidden = engine.account(chain[0]), engine.account(chain[0])
    engine.run()
    for account_id in (shown, hidden):
        disable_account(account_id, engine.services, SYSTEM, reason="test")
    keys = {one: OutboxKey(Target.AD, Kind.ACCOUNT, str(one)) for one in (shown, hidden)}
    with engine.services.begin(SYSTEM) as work:
        claims = [work.queue.claim_key(key, uuid4(), timedelta(seconds=30)) for key in keys.values()]
        assert work.queue.claim_key(keys[shown], uuid4(), timedelta(seconds=30)) is None
    claimed = [claim for claim in claims if claim is not None]
    converger = engine.lanes[Target.AD].work
    forecast = Forecast({keys[shown]: (SetEnabled(before=True, after=False),)})
    outcomes = converger.converge(claimed, forecast)  # type: ignore[call-arg]
    assert outcomes[keys[shown]] is None
    assert isinstance(outcomes[keys[hidden]], NotForetoldError)
    assert engine.ad.things[there(engine.ad, hidden)].enabled
    assert not engine.ad.things[there(engine.ad, shown)].enabled


def test_who_is_disabled_for_security_is_disabled_whatever_the_plan_showed(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    disable_account(account_id, engine.services, SYSTEM, reason=SECURITY)
    key = OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id))
    with engine.services.begin(SYSTEM) as work:
        claimed = work.queue.claim_key(key, uuid4(), timedelta(seconds=30))
    converger = engine.lanes[Target.AD].work
    assert converger.converge([claimed], Forecast({})) == {key: None}  # type: ignore[call-arg, list-item]
    assert not engine.ad.things[there(engine.ad, account_id)].enabled


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
    assert not engine.ad.things[there(engine.ad, account_id)].enabled


# Rights.


def test_where_our_own_probe_cannot_be_written_the_whole_target_pauses(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    several = [engine.account(chain[0]) for _ in range(9)]

    def denied(call: str) -> None:
        if call == "probe":
            raise Misconfigured(Code.AD_NO_RIGHTS)
        if call == "Create account":
            raise Refused(Code.AD_NO_RIGHTS)

    engine.ad.before = denied
    engine.run()
    assert [engine.row(Target.AD, Kind.ACCOUNT, one).parked_at for one in several] == [None] * 9
    assert engine.ad.calls.count("Create account") <= 1 + 8
    engine.ad.heal()
    engine.run()
    assert [engine.story(one)[StepName.MAIL] for one in several] == [DONE] * 9


def test_no_rights_on_one_object_park_that_one(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    cut_off, good = engine.account(chain[0]), engine.account(chain[0])
    engine.ad.spoil(f"hufu:account:{cut_off}", Refused(Code.AD_NO_RIGHTS))
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


# Mail.


def test_a_slow_mail_server_makes_no_notice_come_twice(
    engine: Engine, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.services.begin(SYSTEM) as work:
        for number in range(8):
            values = {"code": str(number), "minutes": "10"}
            work.notices.send(MAILBOX_CODE, f"x{number}@example.org", "en", values)
    passed = [0.0]
    monkeypatch.setattr("hufu_sync.converge.row.monotonic", lambda: monotonic() + passed[0])
    other = engine.another_worker()[Target.MAIL]
    send = engine.post.send
    is_other = [False]

    def slow(mail: Mail, *, message_id: str) -> None:
        send(mail, message_id=message_id)
        clock.advance(seconds=15)
        passed[0] += 15
        if not is_other[0]:
            is_other[0] = True
            other.drain()
            is_other[0] = False

    monkeypatch.setattr(engine.post, "send", slow)
    engine.lanes[Target.MAIL].drain()
    recipients = [recipient for _, recipient, _, _ in engine.post.sent]
    assert sorted(recipients) == [f"x{number}@example.org" for number in range(8)]


# Acts.


def test_a_restored_account_loses_its_old_credentials_before_its_mail(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    user_id, guid = there(engine.keycloak, account_id), there(engine.ad, account_id)
    engine.keycloak.having[user_id] = Credentials(password=True, otp=True)
    engine.ad.passwords[guid] = clock.now()
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.run()
    clock.advance(days=1)
    restore_account(account_id, engine.services, SYSTEM, reason="back")
    engine.keycloak.calls.clear()
    engine.run()
    assert (engine.keycloak.having, engine.ad.passwords) == ({}, {})
    assert [call for call in engine.keycloak.calls if call in {"reset_credentials", "logout", "mail"}] == [
        "reset_credentials",
        "logout",
        "mail",
    ]
    assert engine.records("account.reset_credentials") == 2


def test_a_password_that_is_newer_than_the_wish_for_one_is_kept(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    guid = there(engine.ad, account_id)

    def answer_lost(call: str) -> None:
        if call == "must_change":
            engine.ad.heal()
            # Asked at the next sign-in, the person has set a new one meanwhile.
            engine.ad.passwords[guid] = clock.now() + timedelta(seconds=5)
            raise Unreachable(Code.AD_TIMEOUT)

    engine.ad.after = answer_lost
    with engine.services.begin(SYSTEM) as work:
        account = work.accounts.get(account_id)
        request_action(work, engine.services, ActionKind.MUST_CHANGE, account_id)
        enqueue_account(work, engine.services, account)
    engine.run()
    assert engine.ad.asked_to_change == [guid]
    assert guid in engine.ad.passwords
    with engine.services.read() as connection:
        (act,) = connection.execute(
            sa.select(one_time_actions).where(one_time_actions.c.kind == ActionKind.MUST_CHANGE.value)
        ).all()
    assert (act.target, act.state, act.times) == ("ad", ActionState.DONE.value, 2)


def test_unlocking_reaches_both_targets_and_the_registry(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    guid, user_id = there(engine.ad, account_id), there(engine.keycloak, account_id)
    engine.ad.lock(guid, clock.now())
    engine.keycloak.lock(user_id, clock.now())
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    locks = sa.text("SELECT source FROM sign_in_locks ORDER BY source")
    with engine.services.read() as connection:
        assert connection.execute(locks).scalars().all() == ["ad"]
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET state = 'enabled', activated_at = approved_at"))
    unlock_account(account_id, engine.services, SYSTEM)
    engine.run()
    assert (engine.ad.locks, engine.keycloak.locks) == ({}, {})
    with engine.services.read() as connection:
        assert connection.execute(locks).scalars().all() == []
    assert engine.records("account.unlock") == 2


def test_a_refused_act_waits_and_the_account_is_no_worse_for_it(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET state = 'enabled', activated_at = approved_at"))
    require_password_change(account_id, engine.services, SYSTEM)
    engine.ad.fail(Refused(Code.AD_NO_RIGHTS), when="must_change")
    engine.run()
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id).error == Code.AD_NO_RIGHTS.value
    engine.ad.heal()
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert engine.ad.asked_to_change == [there(engine.ad, account_id)]
    with engine.services.read() as connection:
        (act,) = connection.execute(
            sa.select(one_time_actions).where(one_time_actions.c.kind == ActionKind.MUST_CHANGE.value)
        ).all()
    assert (act.times, act.outcome) == (1, "done")


# What is wanted, and what is remembered.


def test_many_objects_are_read_with_as_many_queries_as_one(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[number % 4]) for number in range(12)]
    engine.run()
    keys = [OutboxKey(Target.AD, Kind.ACCOUNT, str(one)) for one in several]
    keys += [OutboxKey(Target.AD, Kind.AGENCY, str(agency.id)) for agency in chain]
    config = TargetConfig(Target.AD, with_directory=True, shape=DirectoryShape("agency.test"))
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
