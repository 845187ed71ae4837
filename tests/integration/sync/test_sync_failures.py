"""What goes wrong on the way to the targets: away, refused, taken, killed at any step, overtaken."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import correct_mailbox
from hufu_registry.agencies.model import Agency
from hufu_registry.bell.store import unread
from hufu_registry.cases.use_cases import ChooseName, choose_name
from hufu_registry.kernel.actor import SYSTEM, account_actor
from hufu_registry.kernel.errors import IllegalMove, Invalid, NotFound
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model import Code, ErrorClass, StepName, StepState
from hufu_registry.sync.store import account_story, target_states, work_row
from hufu_registry.sync.use_cases import converge_now
from hufu_sync.errors import Misconfigured, Refused, Transient, Unreachable
from tests.kit.accounts import official
from tests.kit.cases import APPLICANT, CaseOffice
from tests.kit.clocks import SetClock
from tests.kit.consoles import audited
from tests.kit.engine import DONE, Engine, KilledError
from tests.kit.staff import Staff
from tests.kit.targets.fakes import FakeTarget, Thing

# What goes wrong.


def test_while_the_directory_is_away_nothing_is_lost_and_it_completes_by_itself(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="")
    several = [engine.account(chain[3]) for _ in range(3)]
    engine.run()
    assert len([call for call in engine.ad.calls if call != "probe"]) == 1
    for account_id in several:
        assert engine.story(account_id)[StepName.AD] == (StepState.RETRYING, Code.AD_UNREACHABLE)
    engine.ad.heal()
    engine.run()
    assert all(engine.story(account_id)[StepName.MAIL] == DONE for account_id in several)
    assert len(engine.keycloak.mails) == 3


def test_a_question_about_many_that_is_refused_parks_none_of_them(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    engine.ad.fail(Refused(Code.AD_REFUSED), when="find account", times=1)
    several = [engine.account(chain[3]) for _ in range(3)]
    engine.run()
    for account_id in several:
        assert engine.story(account_id)[StepName.AD] == (StepState.RETRYING, Code.AD_REFUSED)
    clock.advance(seconds=10)
    engine.run()
    assert all(engine.story(account_id)[StepName.MAIL] == DONE for account_id in several)


def test_a_wrong_password_pauses_the_target_and_counts_no_tries(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.keycloak.fail(Misconfigured(Code.KEYCLOAK_CLIENT_REFUSED), when="")
    account_id = engine.account(chain[0])
    engine.run()
    with engine.services.read() as connection:
        states = {state.target: state for state in target_states(connection)}
    assert states[Target.KEYCLOAK].error_class is ErrorClass.MISCONFIGURED
    assert engine.row(Target.KEYCLOAK, Kind.AGENCY, chain[0].id).attempts == 0
    engine.keycloak.heal()
    engine.run()
    assert engine.story(account_id)[StepName.KEYCLOAK] == DONE


def test_what_fails_for_a_while_is_tried_again_ever_more_rarely(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    engine.ad.fail(Transient(Code.AD_BUSY), when="Create account")
    account_id = engine.account(chain[0])
    pauses = []
    for attempt in range(1, 13):
        engine.run(rounds=2)
        row = engine.row(Target.AD, Kind.ACCOUNT, account_id)
        assert row.attempts == attempt
        pauses.append(row.next_at - clock.now())
        clock.advance(seconds=pauses[-1].total_seconds() + 0.001)
    assert pauses[0] < timedelta(seconds=3)
    assert timedelta(minutes=11) < pauses[-1] <= timedelta(minutes=15)
    engine.ad.heal()
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE


def test_a_refused_value_is_told_by_the_name_of_its_field(engine: Engine, chain: Sequence[Agency]) -> None:
    named = Refused(Code.KEYCLOAK_REFUSED, "400 email", fields=("email", "of Keycloak alone"))
    engine.keycloak.fail(named, when="Create account")
    account_id = engine.account(chain[3])
    engine.run()
    with engine.services.read() as connection:
        step = next(one for one in account_story(connection, account_id) if one.step is StepName.KEYCLOAK)
        row = work_row(connection, OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(account_id)))
    assert (step.state, step.code) == (StepState.PARKED, Code.KEYCLOAK_REFUSED)
    assert step.fields == row.fields == ("email",)
    engine.keycloak.heal()
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert engine.story(account_id)[StepName.KEYCLOAK] == DONE


def test_a_refused_backup_mailbox_is_corrected_and_the_account_goes_on(
    engine: Engine, chain: Sequence[Agency], staff: Staff
) -> None:
    services = engine.services
    manager, other = official(services, chain[3], role=Role.AGENCY_MANAGER), engine.account(chain[3])
    engine.run()
    engine.keycloak.fail(Refused(Code.KEYCLOAK_REFUSED, fields=("email",)), when="Create account")
    account_id = engine.account(chain[3])
    old = staff.account(account_id).mailbox
    engine.run()
    assert engine.story(account_id)[StepName.KEYCLOAK] == (StepState.PARKED, Code.KEYCLOAK_REFUSED)
    asker = account_actor(manager.id)
    for nobody in ("", "try..this@example.org"):
        with pytest.raises(Invalid, match="mailbox"):
            correct_mailbox(account_id, nobody, services, asker)
    with pytest.raises(IllegalMove, match="mailbox_not_refused"):
        correct_mailbox(other, "new@example.org", services, asker)
    with pytest.raises(NotFound, match="account"):
        correct_mailbox(account_id, "new@example.org", services, account_actor(other))
    engine.keycloak.heal()
    correct_mailbox(account_id, " New@example.org", services, asker)
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE
    assert engine.keycloak.things[engine.in_keycloak(account_id)].fields["email"] == "new@example.org"
    told = [recipient for _, recipient, subject, _ in engine.post.sent if "備用信箱已經更正" in subject]
    assert sorted(told) == sorted([old, "new@example.org"])
    with services.read() as connection:
        assert unread(connection, account_id) == 1
    (record,) = audited(services, "account.mailbox_corrected")
    assert (record.actor_id, record.old, record.new) == (
        manager.id, {"mailbox": f"{old[0]}…@example.org"}, {"mailbox": "n…@example.org"},
    )  # fmt: skip
    with pytest.raises(IllegalMove, match="mailbox_not_refused"):
        correct_mailbox(account_id, "mine@example.org", services, asker)


def test_a_refused_backup_mailbox_of_an_account_from_the_directory_is_corrected(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    """Keycloak finds it there without a mailbox, and has nowhere to mail to."""
    manager = official(engine.services, chain[3], role=Role.AGENCY_MANAGER)
    account_id = engine.account(chain[3], "wangxm01")
    engine.keycloak.things["imported"] = Thing(
        Kind.ACCOUNT, f"hufu:account:{account_id}", "wangxm01", None, enabled=True, fields={}
    )

    def refuse(call: str) -> None:
        if call == "SetFields account":
            raise Refused(Code.KEYCLOAK_REFUSED, fields=("email",))
        if call == "mail":
            raise Transient(Code.KEYCLOAK_DOES_NOT_SEE)

    engine.keycloak.before = refuse
    engine.run()
    row = engine.row(Target.KEYCLOAK, Kind.ACCOUNT, account_id)
    assert (row.error, row.error_fields, row.parked_at is None) == (Code.KEYCLOAK_REFUSED.value, ["email"], False)
    engine.keycloak.heal()
    correct_mailbox(account_id, "new@example.org", engine.services, account_actor(manager.id))
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE
    assert engine.keycloak.things[engine.in_keycloak(account_id)].fields["email"] == "new@example.org"


def test_a_refused_value_parks_this_one_and_stops_no_other(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.ad.fail(Refused(Code.AD_REFUSED_VALUE), when="Create account", times=1)
    first = engine.account(chain[0])
    engine.run()
    second = engine.account(chain[0])
    engine.run()
    assert engine.story(first)[StepName.AD] == (StepState.PARKED, Code.AD_REFUSED_VALUE)
    assert engine.story(second)[StepName.MAIL] == DONE
    converge_now(first, engine.services, SYSTEM)
    engine.run()
    assert engine.story(first)[StepName.MAIL] == DONE


def test_a_name_that_belongs_to_somebody_else_is_never_touched(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.ad.stand_in_the_way("wangxm01")
    account_id = engine.account(chain[0], "wangxm01")
    engine.run()
    assert engine.story(account_id)[StepName.AD] == (StepState.PARKED, Code.NAME_TAKEN_IN_AD)
    assert [thing.fields for _, thing in engine.ad.of("")] == [{"title": "theirs"}]
    assert engine.keycloak.mails == []


@pytest.mark.parametrize("where", ["ad", "keycloak"])
def test_a_collision_shows_on_the_case_and_another_name_completes_it(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, where: str
) -> None:
    office = CaseOffice(engine.services, chain, clock)
    # Its codes are read from the notices, which would be wiped.
    del engine.lanes[Target.MAIL]
    target: FakeTarget = getattr(engine, where)
    target.stand_in_the_way("wangxm")
    manager = office.manager(office.bureau)
    case_id = office.apply(office.form(account_name="wangxm"), mailbox="p@example.org")
    account_id = office.approve(manager, case_id)
    engine.run()
    assert office.case(case_id).collision
    choose_name(ChooseName(office.follow("p@example.org"), case_id, "wangxm2"), office.services, APPLICANT)
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE
    ((_, account),) = engine.ad.of(f"hufu:account:{account_id}")
    assert (account.name, account.fields["sAMAccountName"]) == ("wangxm2", "wangxm2")
    assert [thing.fields for _, thing in target.of("")] == [{"title": "theirs"}]
    assert not office.case(case_id).collision


def test_an_unexpected_fault_is_tried_again(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(engine.ad, "apply", broken)
        account_id = engine.account(chain[0])
        engine.run()
        row = engine.row(Target.AD, Kind.AGENCY, chain[0].id)
        assert (row.error_class, row.error) == ("transient", "unexpected")
    clock.advance(minutes=1)
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE


STEPS = ["find agency", "Create agency", "find account", "Create account", "mail"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("where", ["ad", "keycloak"])
def test_a_worker_killed_at_any_step_leaves_nothing_double(
    engine: Engine, chain: Sequence[Agency], clock: SetClock, where: str, step: str, moment: str
) -> None:
    target: FakeTarget = getattr(engine, where)

    def killed(call: str) -> None:
        if call == step:
            target.heal()
            raise KilledError

    setattr(target, moment, killed)
    account_id = engine.account(chain[1])
    was_killed = False
    try:
        engine.run()
    except KilledError:
        was_killed = True
    # The directory mails nothing.
    assert was_killed is not (where == "ad" and step == "mail")
    engine.lanes = engine.another_worker()
    engine.run()
    clock.advance(seconds=31)
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == DONE
    for found in (engine.ad, engine.keycloak):
        assert len(found.things) == 3
    for action, count in {
        "account.made_in_ad": 1,
        "account.made_in_keycloak": 1,
        "agency.made_in_ad": 2,
        "agency.made_in_keycloak": 2,
        "account.activation_mail": 1,
        "account.changed_in_ad": 0,
        "account.changed_in_keycloak": 0,
    }.items():
        assert engine.records(action) == count, action
    twice = where == "keycloak" and step == "mail"
    assert len(engine.keycloak.mails) == (2 if twice and moment == "after" else 1)
    with engine.services.read() as connection:
        (act,) = connection.execute(sa.select(one_time_actions)).all()
    assert (act.times, act.outcome) == ((2, "maybe_repeated") if twice else (1, "done"))


def test_a_worker_frozen_past_its_lease_records_nothing(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    other = engine.another_worker()

    def frozen(call: str) -> None:
        if call == "Create account":
            engine.ad.heal()
            clock.advance(seconds=31)
            other[Target.AD].drain()

    engine.ad.after = frozen
    account_id = engine.account(chain[0])
    engine.run()
    assert engine.metrics.rows.labels("ad", "lease_lost")._value.get() == 1
    assert engine.records("account.made_in_ad") == 1
    assert len(engine.ad.of(f"hufu:account:{account_id}")) == 1


def test_a_change_during_the_work_is_not_forgotten(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])

    def changed(call: str) -> None:
        if call == "Create account":
            engine.ad.heal()
            with engine.services.begin(SYSTEM) as work:
                account = work.accounts.get(account_id, lock=True)
                new = replace(account, profile=replace(account.profile, title="科長"))
                work.accounts.save(new)
                enqueue_account(work, engine.services, new)

    engine.ad.after = changed
    engine.run()
    ((_, there),) = engine.ad.of(f"hufu:account:{account_id}")
    assert there.fields["title"] == "科長"


def test_many_workers_do_everything_once(engine: Engine, chain: Sequence[Agency]) -> None:
    several = [engine.account(chain[3]) for _ in range(12)]
    workers = [engine.another_worker() for _ in range(3)]
    for _ in range(4):
        threads = [threading.Thread(target=drain.drain) for worker in workers for drain in worker.values()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    engine.run()
    assert len(engine.keycloak.mails) == len(set(engine.keycloak.mails)) == len(several)
    assert len([call for call in engine.ad.calls if call == "Create account"]) == len(several)


def test_people_come_before_bulk(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[0])
    engine.run()
    bulk = [engine.account(chain[0]) for _ in range(3)]
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(outbox).where(outbox.c.kind == "account").values(bulk=True))
    urgent = engine.account(chain[0])
    order: list[str] = []
    engine.ad.before = order.append
    claimed = []
    with engine.services.begin(SYSTEM) as work:
        for _ in range(4):
            (row,) = work.queue.claim(Target.AD, uuid4(), timedelta(seconds=30))
            claimed.append(row.key.object_id)
    assert claimed[0] == str(urgent)
    assert set(claimed[1:]) == {str(account_id) for account_id in bulk}
