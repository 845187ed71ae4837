"""The worker's engine on a real PostgreSQL, with targets in memory that break when they are told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from hufu_registry.accounts.model import Account, AccountKind, AccountState, Profile
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.use_cases import disable_account, disable_not_activated, open_account, resend_activation
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.use_cases import ChooseName, choose_name
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId, PersonId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.notices.store import notices
from hufu_registry.people.notices import MAILBOX_CODE
from hufu_registry.propagation.model import ActionKind
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, ErrorClass, StepName, StepState
from hufu_registry.sync.store import account_in_targets, account_story, due_targets, sign_ins, target_states
from hufu_registry.sync.use_cases import converge_now
from hufu_sync import jobs, relay
from hufu_sync.bootstrap import Parts, Targets, build_lanes
from hufu_sync.command import sync
from hufu_sync.errors import Interrupted, Misconfigured, Refused, Transient, Unreachable
from hufu_sync.feed import Feed
from hufu_sync.health import Heart, Metrics
from hufu_sync.lane import Lane
from hufu_sync.scheduler.comparisons import Nightly
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.port import Credentials
from tests.integration.test_cases import APPLICANT, Office, approve_as
from tests.kit.clocks import SetClock
from tests.kit.targets.fakes import FakePost, FakeTarget


class Engine:
    """Worker and clock in this thread: `run` works until nothing is due any more."""

    def __init__(self, services: SqlServices, settings: RegistrySettings, clock: SetClock, *, directory: bool) -> None:
        self.services = replace(services, policy=replace(services.policy, with_directory=directory))
        self.clock = clock
        self.ad = FakeTarget()
        self.keycloak = FakeTarget(remakes=True)
        self.post = FakePost()
        self.collisions: list[str] = []
        self.metrics = Metrics()
        self._settings = SyncSettings.model_construct(
            **settings.model_dump(),
            redis_url="",
            ldap_base_dn="OU=Hufu,DC=agency,DC=test",
            lease_seconds=30,
            probe_seconds=0.0,
            paused_probe_seconds=0.0,
            ad_lanes=1,
            keycloak_lanes=1,
        )
        self._directory = directory
        self.lanes = self.another_worker()
        self.feed = Feed(self.services, self.keycloak, self.ad if directory else None, self.metrics)

    def another_worker(self) -> dict[Target, Lane]:
        """One lane for each target."""
        lanes = self.build_lanes()
        return {target: of_target[0] for target, of_target in lanes.items() if of_target}

    def build_lanes(self, **settings: int) -> dict[Target, list[Lane]]:
        parts = Parts(self._settings.model_copy(update=settings), self.services, Heart(), self.metrics)
        targets = Targets(self.ad if self._directory else None, self.keycloak, self.post)
        return build_lanes(parts, lambda: targets)

    def run(self, *, rounds: int = 6) -> None:
        for _ in range(rounds):
            for target in Target:
                if target in self.lanes:
                    self.lanes[target].drain()

    def account(
        self, agency: Agency, name: str = "", *, kind: AccountKind = AccountKind.PERSONAL, **profile: str
    ) -> AccountId:
        name = name or f"u{uuid4().hex[:8]}"
        now = self.clock.now()
        account = Account(
            id=AccountId(uuid4()),
            person_id=PersonId(uuid4()),
            account_name=name,
            agency_id=agency.id,
            agency_path=agency.path,
            profile=Profile(**{"name": "王小明", "title": "科員", **profile}),
            mailbox=f"{name}@example.org",
            language="zh_Hant_TW",
            state=AccountState.NOT_ACTIVATED,
            created_at=now,
            approved_at=now,
            kind=kind,
        )
        with self.services.begin(SYSTEM) as work:
            open_account(work, self.services, account)
        return account.id

    def story(self, account_id: AccountId) -> dict[StepName, tuple[StepState, Code | None]]:
        with self.services.read() as connection:
            return {step.step: (step.state, step.code) for step in account_story(connection, account_id)}

    def row(self, target: Target, kind: Kind, object_id: object) -> sa.Row[tuple[object, ...]]:
        with self.services.read() as connection:
            return connection.execute(
                sa.select(outbox).where(
                    outbox.c.target == target.value, outbox.c.kind == kind.value, outbox.c.object_id == str(object_id)
                )
            ).one()

    def records(self, action: str) -> int:
        with self.services.read() as connection:
            return connection.execute(sa.select(sa.func.count()).where(audit_records.c.action == action)).scalar_one()

    def state(self, account_id: AccountId) -> str:
        with self.services.read() as connection:
            found = connection.execute(sa.select(accounts.c.state).where(accounts.c.id == account_id)).scalar_one()
            return str(found)


@pytest.fixture
def engine(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    return Engine(services, database, clock, directory=True)


@pytest.fixture
def alone(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    return Engine(services, database, clock, directory=False)


DONE = (StepState.DONE, None)


def test_an_approved_account_stands_everywhere_in_order_and_gets_one_mail(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[3])
    assert engine.story(account_id) == {
        StepName.AD: (StepState.WAITING, Code.WAITS_FOR_AGENCY),
        StepName.KEYCLOAK: (StepState.WAITING, Code.WAITS_FOR_AD),
        StepName.MAIL: (StepState.WAITING, Code.WAITS_FOR_KEYCLOAK),
        StepName.ACTIVATED: (StepState.WAITING, None),
    }
    engine.run()
    assert engine.story(account_id) == {
        StepName.AD: DONE,
        StepName.KEYCLOAK: DONE,
        StepName.MAIL: DONE,
        StepName.ACTIVATED: (StepState.WAITING, Code.WAITS_FOR_PERSON),
    }
    assert [call for call in engine.ad.calls if call.startswith("Create")] == ["Create agency"] * 4 + ["Create account"]
    ((user_id, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
    ((group_id, _),) = engine.keycloak.of(f"hufu:agency:{chain[3].id}")
    assert (user.place, engine.keycloak.mails) == (group_id, [user_id])
    assert engine.records("account.made_in_ad") == engine.records("account.made_in_keycloak") == 1


def test_only_agencies_with_accounts_and_those_above_are_made(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[1])
    with engine.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.AD, Kind.AGENCY, str(chain[3].id)))
    engine.run()
    made = {thing.name for thing in engine.ad.things.values() if thing.kind is Kind.AGENCY}
    assert made == {"測試院", "測試部"}


def test_the_number_of_calls_for_one_account_is_pinned(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[3])
    engine.run()
    engine.ad.calls.clear()
    engine.keycloak.calls.clear()
    account_id = engine.account(chain[3])
    engine.run()
    assert engine.ad.calls == ["find account", "Create account", "find account"]
    assert engine.keycloak.calls == ["find account", "Create account", "find account", "mail"]
    engine.ad.calls.clear()
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert engine.ad.calls == ["find account"]


@pytest.mark.requirement("S1-025")
def test_what_the_registry_says_about_an_account_follows(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[1])
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        account = work.accounts.get(account_id, lock=True)
        moved = replace(
            account,
            agency_id=chain[2].id,
            agency_path=chain[2].path,
            profile=replace(account.profile, title="科長"),
        )
        work.accounts.save(moved)
        enqueue_account(work, engine.services, moved)
    (before,) = engine.ad.of(f"hufu:account:{account_id}")
    engine.run()
    ((remote_id, there),) = engine.ad.of(f"hufu:account:{account_id}")
    ((ou, _),) = engine.ad.of(f"hufu:agency:{chain[2].id}")
    assert (remote_id, there.fields["title"], there.fields["company"], there.place) == (before[0], "科長", "測試署", ou)
    ((group, _),) = engine.keycloak.of(f"hufu:agency:{chain[2].id}")
    ((_, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
    assert (user.place, user.surplus) == (group, set())


@pytest.mark.requirement("S0-22")
def test_at_once_means_now_and_not_when_its_turn_comes(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.ad.fail(Transient(Code.AD_BUSY), when="Create account", times=1)
    engine.run()
    assert engine.story(account_id)[StepName.AD] == (StepState.RETRYING, Code.AD_BUSY)
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert engine.story(account_id)[StepName.AD] == DONE


def test_a_renamed_agency_is_renamed_everywhere(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3])
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE agencies SET name = '新名隊' WHERE id = :id"), {"id": chain[3].id})
        for target in (Target.AD, Target.KEYCLOAK):
            work.outbox.enqueue(OutboxKey(target, Kind.AGENCY, str(chain[3].id)))
    engine.run()
    ((_, ou),) = engine.ad.of(f"hufu:agency:{chain[3].id}")
    ((_, group),) = engine.keycloak.of(f"hufu:agency:{chain[3].id}")
    ((_, account),) = engine.ad.of(f"hufu:account:{account_id}")
    assert (ou.name, group.fields["agency_name"], account.fields["company"]) == ("新名隊", "新名隊", "新名隊")


def test_drift_is_listed_and_left_alone_until_the_registry_changes(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[1])
    engine.run()
    ((_, there),) = engine.ad.of(f"hufu:account:{account_id}")
    there.fields["title"] = "他人改的"
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    with engine.services.read() as connection:
        in_ad = account_in_targets(connection, account_id)[0]
    assert (there.fields["title"], in_ad.drift) == ("他人改的", ("title",))


def test_a_user_that_keycloak_lost_and_read_anew_gets_everything_again(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3])
    engine.run()
    ((user_id, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
    email = user.fields["email"]
    engine.keycloak.things[str(uuid4())] = engine.keycloak.things.pop(user_id)
    user.fields["email"], user.place = "", None
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert user.fields["email"] == email
    assert user.place is not None
    assert engine.records("account.made_in_keycloak") == 2


def test_who_is_disabled_is_disabled_everywhere_and_his_sessions_end(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[1])
    engine.run()
    disable_account(account_id, engine.services, SYSTEM, reason="test")
    engine.run()
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    ((user_id, in_keycloak),) = engine.keycloak.of(f"hufu:account:{account_id}")
    assert (in_ad.enabled, in_keycloak.enabled, engine.keycloak.logouts) == (False, False, [user_id])
    in_keycloak.enabled = True
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert in_keycloak.enabled is False


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
    office = Office(engine.services, chain, clock)
    # Its codes are read from the notices, which would be wiped.
    del engine.lanes[Target.MAIL]
    target: FakeTarget = getattr(engine, where)
    target.stand_in_the_way("wangxm")
    manager = office.manager(office.bureau)
    case_id = office.apply(office.form(account_name="wangxm"), mailbox="p@example.org")
    account_id = approve_as(office, manager, case_id)
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


class KilledError(BaseException):
    """The process ended here: no handler of ours sees it."""


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


# Acts.


def test_a_second_wish_for_the_mail_while_the_first_waits_is_one_mail(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    engine.keycloak.fail(Unreachable(Code.KEYCLOAK_UNREACHABLE), when="")
    account_id = engine.account(chain[0])
    engine.run()
    clock.advance(minutes=2)
    resend_activation(account_id, engine.services, SYSTEM)
    engine.keycloak.heal()
    engine.run()
    assert len(engine.keycloak.mails) == 1
    with engine.services.read() as connection:
        outcomes = (
            connection.execute(sa.select(one_time_actions.c.outcome).order_by(one_time_actions.c.number))
            .scalars()
            .all()
        )
    assert outcomes == ["merged", "done"]


def test_a_mail_the_server_could_not_send_is_tried_again_and_counted_once(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    engine.keycloak.fail(Transient(Code.ACTIVATION_MAIL_NOT_SENT), when="mail", times=1)
    account_id = engine.account(chain[0])
    engine.run()
    assert engine.story(account_id)[StepName.KEYCLOAK] == DONE
    assert engine.story(account_id)[StepName.MAIL] == (StepState.RETRYING, Code.ACTIVATION_MAIL_NOT_SENT)
    clock.advance(seconds=10)
    engine.run()
    with engine.services.read() as connection:
        step = account_story(connection, account_id)[2]
    assert (step.state, step.times, len(engine.keycloak.mails)) == (StepState.DONE, 1, 1)


def test_a_mail_that_broke_off_in_the_middle_may_have_gone_out_and_is_counted_twice(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    def broken_off(call: str) -> None:
        if call == "mail" and len(engine.keycloak.mails) == 1:
            raise Interrupted(Code.ACTIVATION_MAIL_NOT_SENT)

    engine.keycloak.after = broken_off
    account_id = engine.account(chain[0])
    engine.run()
    assert engine.story(account_id)[StepName.MAIL] == (StepState.RETRYING, Code.ACTIVATION_MAIL_NOT_SENT)
    clock.advance(seconds=10)
    engine.run()
    assert len(engine.keycloak.mails) == 2
    with engine.services.read() as connection:
        (act,) = connection.execute(sa.select(one_time_actions)).all()
    assert (act.times, act.outcome) == (2, "maybe_repeated")


# Without a directory.


def test_without_a_directory_keycloak_is_all_there_is(alone: Engine, chain: Sequence[Agency]) -> None:
    account_id = alone.account(chain[2], title="科長")
    alone.run()
    assert StepName.AD not in alone.story(account_id)
    assert alone.story(account_id)[StepName.MAIL] == DONE
    ((user_id, user),) = alone.keycloak.of(f"hufu:account:{account_id}")
    assert (user.fields["display_name"], user.fields["title"]) == ("王小明", "科長")
    alone.keycloak.having[user_id] = Credentials(password=True, otp=True)
    assert alone.feed.check_activation(account_id)
    assert alone.state(account_id) == "enabled"


# What Keycloak saw, and what time brings.


@pytest.fixture
def waiting(engine: Engine, chain: Sequence[Agency]) -> tuple[AccountId, str, str]:
    """An account whose link is mailed: (account, its id in Keycloak, its id in the directory)."""
    account_id = engine.account(chain[0])
    engine.run()
    ((user_id, _),) = engine.keycloak.of(f"hufu:account:{account_id}")
    ((guid, _),) = engine.ad.of(f"hufu:account:{account_id}")
    return account_id, user_id, guid


@pytest.mark.requirement("S2-22")
def test_both_credentials_turn_not_activated_into_enabled(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    account_id, user_id, guid = waiting
    engine.keycloak.saw(user_id, "UPDATE_TOTP", at=clock.now())
    engine.keycloak.having[user_id] = Credentials(password=True, otp=True)
    engine.feed.poll()
    assert engine.state(account_id) == "not_activated"
    engine.ad.passwords[guid] = engine.clock.now()
    engine.feed.poll()
    assert engine.state(account_id) == "enabled"
    assert engine.records("account.activated") == 1


def test_events_are_kept_once_though_they_come_late_and_twice(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    account_id, user_id, _ = waiting
    engine.keycloak.saw(user_id, at=clock.now(), event_id="new")
    engine.keycloak.saw("a stranger", at=clock.now())
    engine.feed.poll()
    engine.keycloak.saw(user_id, at=clock.now() - timedelta(seconds=10), event_id="late")
    engine.feed.poll()
    engine.feed.poll()
    with engine.services.read() as connection:
        kept = sign_ins(connection, account_id, Page())
    assert [record.event_id for record in kept.rows] == ["new", "late"]
    assert kept.rows[0].client == "sample-application"


def test_a_check_that_failed_is_repeated(engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock) -> None:
    account_id, user_id, guid = waiting
    engine.keycloak.having[user_id] = Credentials(password=True, otp=True)
    engine.ad.passwords[guid] = engine.clock.now()
    engine.keycloak.saw(user_id, at=clock.now())
    engine.keycloak.fail(Unreachable(Code.KEYCLOAK_TIMEOUT), when="credentials", times=1)
    with pytest.raises(Unreachable):
        engine.feed.poll()
    engine.feed.poll()
    assert engine.state(account_id) == "enabled"


def test_the_nightly_look_finds_what_no_event_told(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    account_id, user_id, guid = waiting
    engine.keycloak.having[user_id] = Credentials(password=True, otp=True)
    engine.ad.passwords[guid] = engine.clock.now()
    Nightly(engine.services, engine.feed).run()
    assert engine.state(account_id) == "enabled"


def test_not_activated_in_thirty_days_is_disabled(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    account_id, _, _ = waiting
    clock.advance(days=29)
    assert disable_not_activated(engine.services) == 0
    clock.advance(days=2)
    assert disable_not_activated(engine.services) == 1
    engine.run()
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    assert (engine.state(account_id), in_ad.enabled) == ("disabled", False)


# Notices.


def test_a_notice_is_sent_once_and_wiped(engine: Engine) -> None:
    with engine.services.begin(SYSTEM) as work:
        work.notices.send(MAILBOX_CODE, "x@example.org", "en", {"code": "123456", "minutes": "10"})
    engine.run()
    ((_, recipient, subject, text),) = engine.post.sent
    assert (recipient, "123456" in subject, "123456" in text) == ("x@example.org", True, True)
    with engine.services.read() as connection:
        (row,) = connection.execute(sa.select(notices)).all()
    assert (row.sealed, row.times) == (None, 1)


def test_a_mailbox_that_does_not_exist_parks_its_notice_alone(engine: Engine) -> None:
    with engine.services.begin(SYSTEM) as work:
        first = work.notices.send(MAILBOX_CODE, "no@example.org", "en", {"code": "1", "minutes": "10"})
    engine.post.error = Refused(Code.MAIL_ADDRESS_REFUSED)
    engine.run()
    assert engine.row(Target.MAIL, Kind.NOTICE, first).parked_at is not None
    engine.post.error = None
    with engine.services.begin(SYSTEM) as work:
        work.notices.send(MAILBOX_CODE, "yes@example.org", "en", {"code": "2", "minutes": "10"})
    engine.run()
    assert len(engine.post.sent) == 1


def test_nothing_is_due_when_all_is_done(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[3])
    with engine.services.read() as connection:
        # Keycloak's rows and the agencies below the first wait.
        assert due_targets(connection, engine.clock.now()) == [Target.AD]
    engine.run()
    with engine.services.read() as connection:
        assert due_targets(connection, engine.clock.now()) == []
        assert all(state.waiting == state.parked == 0 for state in target_states(connection))


def test_acts_nobody_asked_for_are_not_done(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    converge_now(account_id, engine.services, SYSTEM)
    engine.run()
    assert len(engine.keycloak.mails) == 1
    with engine.services.read() as connection:
        kinds = connection.execute(sa.select(one_time_actions.c.kind)).scalars().all()
    assert kinds == [ActionKind.ACTIVATION_MAIL.value]


# The relay and the command.


@dataclass
class FakeQueue:
    job_ids: list[str] = field(default_factory=list)

    def enqueue_call(self, function: object, *, args: list[str], job_id: str, **_: object) -> None:
        assert function is jobs.drain
        self.job_ids.append(job_id)


def test_one_waiting_job_a_target_is_enough() -> None:
    queue = FakeQueue()
    relay.enqueue(queue, [Target.AD])
    relay.enqueue(queue, [Target.AD, Target.KEYCLOAK])
    relay.enqueue(queue, [])
    assert queue.job_ids == ["drain-ad", "drain-keycloak"]


def test_a_job_only_wakes_its_target() -> None:
    woken: list[str] = []
    token = jobs.wake.set(woken.append)
    try:
        jobs.drain("ad")
    finally:
        jobs.wake.reset(token)
    assert woken == ["ad"]


def test_the_command_says_what_waits_and_alarms_about_what_needs_a_person(
    engine: Engine, chain: Sequence[Agency]
) -> None:
    def status(*options: str) -> Result:
        return CliRunner().invoke(sync, ["status", *options], obj=lambda: engine.services)

    engine.account(chain[0])
    assert status().exit_code == 0
    assert "keycloak" in status().output
    engine.ad.fail(Refused(Code.AD_REFUSED_VALUE), when="Create account")
    engine.run()
    found = status("--json")
    assert found.exit_code == 1
    assert {state["target"]: state["parked"] for state in json.loads(found.output)["targets"]} == {
        "ad": 1,
        "keycloak": 0,
    }
