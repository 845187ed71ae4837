"""What is taken away: accounts that end, agencies nobody needs any more, and the guard in the worker."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import (
    activate_account,
    delete_account,
    disable_account,
    suspend_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model import MISSING, Code, StepName
from hufu_registry.sync.model.plan import SetEnabled
from hufu_registry.sync.model.plan_file import Forecast
from hufu_registry.sync.store import bindings
from hufu_registry.sync.store.tables import applied_steps
from hufu_registry.sync.use_cases import converge_now, make_again, overwrite_drift
from hufu_sync.errors import Conflict, Refused, Unreachable
from hufu_sync.outcomes import NotForetoldError
from tests.kit.clocks import SetClock
from tests.kit.engine import DONE, Engine, agencies_in
from tests.kit.guard import transfer_account


def steps_of(engine: Engine) -> list[tuple[str, str, bool]]:
    with engine.services.read() as connection:
        query = sa.select(applied_steps.c.target, applied_steps.c.step, applied_steps.c.destructive)
        return [(row.target, row.step, row.destructive) for row in connection.execute(query.order_by("number"))]


def limited(engine: Engine, steps_per_hour: int) -> None:
    """From now on the worker takes away so much within an hour, and no more."""
    policy = replace(engine.services.policy, destructive_steps_per_hour=steps_per_hour)
    engine.services = replace(engine.services, policy=policy)
    engine.lanes = engine.another_worker()


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
    del engine.ad.things[engine.in_ad(account_id)]
    engine.enqueue(account_id)
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
    before = {engine.in_ad(one) for one in several}, {engine.in_keycloak(one) for one in several}
    for account_id in several:
        transfer_account(account_id, chain[1].id, engine.services, OPERATOR)
    engine.run()
    for _ in range(4):
        clock.advance(minutes=1)
        engine.run()
    assert len(agencies_in(engine.ad)) == len(agencies_in(engine.keycloak)) == 2
    after = {engine.in_ad(one) for one in several}, {engine.in_keycloak(one) for one in several}
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
    key = OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id))
    with pytest.raises(IllegalMove, match="not_missed"):
        make_again(key, engine.services, OPERATOR)
    engine.ad.things.pop(engine.in_ad(account_id))
    engine.enqueue(account_id)
    engine.run()
    make_again(key, engine.services, OPERATOR)
    engine.run()
    assert len(engine.ad.of(f"hufu:account:{account_id}")) == 1
    assert len(engine.keycloak.mails) == 2
    assert engine.records("account.remade") == 1
    assert activate_account(account_id, engine.services, SYSTEM)


def test_who_stands_there_again_by_then_keeps_what_he_has(engine: Engine, chain: Sequence[Agency]) -> None:
    """Brought back from the recycle bin between the look that missed it and the press of the button."""
    account_id = engine.account(chain[1])
    engine.run()
    assert activate_account(account_id, engine.services, SYSTEM)
    key = OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id))
    remote_id = engine.in_ad(account_id)
    for begin in ("work", "drift"):
        engine.clock.advance(minutes=1)
        gone = engine.ad.things.pop(remote_id)
        if begin == "work":
            engine.enqueue(account_id)
            engine.run()
        else:
            engine.compare()
        engine.ad.things[remote_id] = gone
        if begin == "work":
            make_again(key, engine.services, OPERATOR)
        else:
            overwrite_drift(key, MISSING, engine.services, OPERATOR)
        engine.run()
        assert (engine.state(account_id), engine.records("account.remade")) == ("enabled", 0)
        assert engine.in_ad(account_id) == remote_id
        assert len(engine.keycloak.mails) == 1
        assert engine.pending() == set()
        assert engine.drifts() == {}


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
    disabled = [one for one in several if not engine.ad.things[engine.in_ad(one)].enabled]
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
    assert not any(engine.ad.things[engine.in_ad(one)].enabled for one in several)
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
    assert len([one for one in several if not engine.ad.things[engine.in_ad(one)].enabled]) == 5


def test_who_is_disabled_for_security_never_waits(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[0]) for _ in range(4)]
    engine.run()
    limited(engine, 1)
    for account_id in several:
        suspend_account(account_id, engine.services, SYSTEM)
    engine.run()
    assert not any(engine.ad.things[engine.in_ad(one)].enabled for one in several)
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
    assert engine.ad.things[engine.in_ad(hidden)].enabled
    assert not engine.ad.things[engine.in_ad(shown)].enabled


def test_who_is_disabled_for_security_is_disabled_whatever_the_plan_showed(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    suspend_account(account_id, engine.services, SYSTEM)
    key = OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id))
    with engine.services.begin(SYSTEM) as work:
        claimed = work.queue.claim_key(key, uuid4(), timedelta(seconds=30))
    converger = engine.lanes[Target.AD].work
    assert converger.converge([claimed], Forecast({})) == {key: None}  # type: ignore[call-arg, list-item]
    assert not engine.ad.things[engine.in_ad(account_id)].enabled
