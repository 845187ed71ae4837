"""Comparison of everybody, on a real PostgreSQL with targets in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import date, datetime
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import BARS, Bar, Code, RunCause, RunKind, SignInBar
from hufu_registry.sync.model.desired import DirectorySchema
from hufu_registry.sync.model.plan import SECOND_FACTOR, Observed, in_one
from hufu_registry.sync.store import account_in_targets, drifts
from hufu_registry.sync.store.comparison import alone
from hufu_registry.sync.use_cases import overwrite_drift, request_comparison
from hufu_sync.comparison import StoppedError, Tally, key_of
from hufu_sync.desired_state import desired_of
from hufu_sync.errors import Refused, Unreachable
from hufu_sync.targets.port import Credentials
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine

# A comparison of everybody.


def test_what_somebody_else_changed_is_listed_with_both_values_since_it_was_seen(
    engine: Engine, people: list[AccountId]
) -> None:
    engine.ad.things[engine.in_ad(people[0])].fields["title"] = "他人改的"
    first = engine.clock.now()
    assert engine.compare() == Tally(objects=5, differing=1, failed=0)
    engine.clock.advance(hours=1)
    engine.compare()
    ((key, drift),) = engine.drifts().items()
    assert key == (str(people[0]), "title")
    assert (drift.there, drift.wanted) == ("他人改的", "科員")
    assert (drift.since, drift.seen_at) == (first, engine.clock.now())
    assert engine.pending() == set()
    engine.ad.things[engine.in_ad(people[0])].fields["title"] = "科員"
    engine.compare()
    assert engine.drifts() == {}


def test_what_keeps_somebody_out_of_the_directory_differs_until_a_person_overwrites_it(
    engine: Engine, people: list[AccountId]
) -> None:
    thing = engine.thing(people[0])
    thing.fields[BARS] = "smartcard_required expires=2020-01-01"
    engine.enqueue(people[0])
    engine.run()
    engine.compare()
    ((key, drift),) = engine.drifts().items()
    assert (key, drift.there, drift.wanted) == ((str(people[0]), BARS), "smartcard_required expires=2020-01-01", "")
    assert not drift.acceptable
    with engine.services.read() as connection:
        in_ad, _ = account_in_targets(connection, engine.services.keys, people[0])
    smartcard, expired = in_ad.bars
    assert (smartcard, expired) == (Bar(SignInBar.SMARTCARD_REQUIRED), Bar(SignInBar.EXPIRES, date(2020, 1, 1)))
    overwrite_drift(drift.key, BARS, engine.services, OPERATOR)
    engine.run()
    assert thing.fields[BARS] == ""
    assert engine.drifts() == {}


def test_a_second_value_is_shown_with_the_first_and_goes_when_it_is_overwritten(
    engine: Engine, people: list[AccountId]
) -> None:
    thing = engine.thing(people[0])
    thing.fields["title"] = in_one(["科員", "處長"])
    engine.compare()
    ((_, drift),) = engine.drifts().items()
    assert (drift.there, drift.wanted, drift.acceptable) == ("科員\n處長", "科員", False)
    overwrite_drift(drift.key, "title", engine.services, OPERATOR)
    engine.run()
    assert (thing.fields["title"], engine.drifts()) == ("科員", {})


def test_since_when_it_differs_and_when_it_was_looked_at_last(engine: Engine, people: list[AccountId]) -> None:
    def looked() -> tuple[datetime, datetime | None]:
        with engine.services.read() as connection:
            in_ad, _ = account_in_targets(connection, engine.services.keys, people[0])
        return in_ad.since, in_ad.compared_at

    made = looked()[0]
    engine.clock.advance(hours=1)
    engine.compare()
    assert looked() == (made, engine.clock.now())
    engine.watch().poll()
    engine.clock.advance(hours=1)
    thing = engine.thing(people[0])
    thing.fields["title"] = "他人改的"
    engine.ad.touch(thing)
    engine.watch().poll()
    assert looked() == (engine.clock.now(), engine.clock.now())


def test_an_account_in_use_without_an_otp_is_listed_and_its_person_is_mailed_a_link(
    engine: Engine, people: list[AccountId]
) -> None:
    one = people[0]
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET state = 'enabled', activated_at = approved_at"))
    user_id = engine.in_keycloak(one)
    engine.keycloak.having[user_id] = Credentials(password=True, otp=False)
    engine.compare(Target.KEYCLOAK)
    ((key, drift),) = engine.drifts(Target.KEYCLOAK).items()
    assert key == (str(one), SECOND_FACTOR)
    assert (drift.there, drift.wanted) == ("False", "True")
    for _ in range(2):
        engine.run()
        assert engine.keycloak.otp_mails == [user_id], "the worker sees it, too, and mails no other"
        assert engine.drifts(Target.KEYCLOAK).keys() == {key}
        engine.compare(Target.KEYCLOAK)
    engine.keycloak.having[user_id] = Credentials(password=True, otp=True)
    engine.clock.advance(minutes=1)
    engine.compare(Target.KEYCLOAK)
    assert engine.drifts(Target.KEYCLOAK) == {}


def test_a_comparison_that_finds_nothing_writes_nothing(engine: Engine, people: list[AccountId]) -> None:
    before, calls = engine.everything_stored(), len(engine.ad.calls)
    for target in (Target.AD, Target.KEYCLOAK):
        assert engine.compare(target) == Tally(objects=5)
    after = engine.everything_stored()
    # That somebody asked for it is the one thing on record.
    asked = after.pop("audit_records") - before.pop("audit_records")
    assert (after, len(asked)) == (before, 2)
    assert engine.ad.calls[calls:] == ["everything agency", "everything account"]


def test_what_hangs_on_state_and_membership_is_put_right_by_itself(engine: Engine, people: list[AccountId]) -> None:
    disable_account(people[0], engine.services, SYSTEM, reason="test")
    engine.run()
    engine.clock.advance(minutes=1)
    engine.ad.things[engine.in_ad(people[0])].enabled = True
    thrown_out, put_in = (engine.keycloak.things[engine.in_keycloak(one)] for one in people[1:])
    group = thrown_out.place
    thrown_out.place = None
    put_in.surplus.add(str(uuid4()))
    assert engine.compare(Target.AD).differing == 1
    assert engine.compare(Target.KEYCLOAK).differing == 2
    assert engine.pending() == {
        ("ad", str(people[0]), True),
        ("keycloak", str(people[1]), True),
        ("keycloak", str(people[2]), True),
    }
    assert engine.drifts() == engine.drifts(Target.KEYCLOAK) == {}
    engine.run()
    assert engine.ad.things[engine.in_ad(people[0])].enabled is False
    assert (thrown_out.place, put_in.surplus) == (group, set())


def test_what_waits_for_the_worker_is_his_to_judge(engine: Engine, people: list[AccountId]) -> None:
    engine.ad.things[engine.in_ad(people[0])].fields["title"] = "他人改的"
    with engine.services.begin(SYSTEM) as work:
        enqueue_account(work, engine.services, work.accounts.get(people[0]))
    assert engine.compare().differing == 0
    assert engine.drifts() == {}


def test_what_the_worker_wrote_after_the_page_was_read_is_no_drift(
    engine: Engine, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = engine.ad.everything

    def old_page(kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        page = deepcopy([one for page in everything(kind, fields) for one in page])
        if kind is Kind.ACCOUNT:
            with engine.services.begin(SYSTEM) as work:
                account = work.accounts.get(people[0], lock=True)
                changed = replace(account, profile=replace(account.profile, title="科長"))
                work.accounts.save(changed)
                enqueue_account(work, engine.services, changed)
            engine.run()
        yield page

    monkeypatch.setattr(engine.ad, "everything", old_page)
    assert engine.compare().differing == 0
    assert (engine.drifts(), engine.ad.things[engine.in_ad(people[0])].fields["title"]) == ({}, "科長")


def test_a_value_of_the_registry_that_never_arrived_is_wanted_again(engine: Engine, people: list[AccountId]) -> None:
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET title = '科長' WHERE id = :id"), {"id": people[0]})
    engine.compare()
    assert engine.pending() == {("ad", str(people[0]), True)}
    engine.run()
    assert engine.ad.things[engine.in_ad(people[0])].fields["title"] == "科長"


def test_ours_that_is_gone_is_listed_in_the_directory_and_made_again_in_keycloak(
    engine: Engine, people: list[AccountId]
) -> None:
    del engine.ad.things[engine.in_ad(people[0])]
    del engine.keycloak.things[engine.in_keycloak(people[1])]
    assert engine.compare(Target.AD) == Tally(objects=5, differing=1)
    assert engine.compare(Target.KEYCLOAK) == Tally(objects=5, differing=1)
    ((key, drift),) = engine.drifts().items()
    assert key == (str(people[0]), "@missing")
    assert drift.wanted
    engine.run()
    assert len(engine.keycloak.of(f"hufu:account:{people[1]}")) == 1
    assert engine.ad.of(f"hufu:account:{people[0]}") == []


def test_ours_that_is_found_again_is_missed_no_more(engine: Engine, people: list[AccountId]) -> None:
    remote_id = engine.in_ad(people[0])
    thing = engine.ad.things.pop(remote_id)
    engine.compare()
    assert set(engine.drifts()) == {(str(people[0]), "@missing")}
    engine.ad.things[remote_id] = thing
    engine.compare()
    assert engine.drifts() == {}


def test_ours_whose_mark_was_taken_away_is_missing(engine: Engine, people: list[AccountId]) -> None:
    engine.ad.things[engine.in_ad(people[0])].mark = ""
    engine.compare()
    assert set(engine.drifts()) == {(str(people[0]), "@missing")}


def test_what_the_list_did_not_show_is_asked_for_before_it_is_missed(
    engine: Engine, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.ad.things[engine.in_ad(people[1])].fields["title"] = "他人改的"
    everything = engine.ad.everything
    hidden = {engine.in_ad(one) for one in people[:2]}

    def shown(kind: Kind, fields: Collection[str]) -> Iterator[Sequence[Observed]]:
        for page in everything(kind, fields):
            yield [one for one in page if one.remote_id not in hidden]

    monkeypatch.setattr(engine.ad, "everything", shown)
    assert engine.compare() == Tally(objects=5, differing=1)
    assert set(engine.drifts()) == {(str(people[1]), "title")}


def test_what_cannot_be_judged_is_counted_and_stops_nobody(engine: Engine, people: list[AccountId]) -> None:
    thing = engine.ad.things.pop(engine.in_ad(people[0]))
    engine.ad.spoil(thing.mark, Refused(Code.PROTECTED_IN_AD))
    engine.ad.things[engine.in_ad(people[1])].fields["title"] = "他人改的"
    assert engine.compare() == Tally(objects=5, differing=1, failed=1)


def test_what_bears_our_mark_and_is_none_of_ours_is_listed_and_left_alone(
    engine: Engine, people: list[AccountId]
) -> None:
    ours = engine.ad.things[engine.in_ad(people[0])]
    copied, unknown, odd = (deepcopy(ours) for _ in range(3))
    unknown.mark = f"hufu:account:{uuid4()}"
    odd.mark = "hufu:account:nobody"
    engine.ad.things |= {str(uuid4()): thing for thing in (copied, unknown, odd)}
    assert engine.compare() == Tally(objects=8, differing=2, failed=1)
    strays = {(str(people[0]), "@stray"), (unknown.mark.removeprefix("hufu:account:"), "@stray")}
    assert set(engine.drifts()) == strays
    engine.clock.advance(hours=1)
    engine.compare()
    assert set(engine.drifts()) == strays
    assert engine.pending() == set()
    for thing in (copied, unknown):
        engine.ad.things = {remote_id: one for remote_id, one in engine.ad.things.items() if one is not thing}
    engine.clock.advance(hours=1)
    engine.compare()
    assert engine.drifts() == {}


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
    engine = Engine(services, database, clock, directory=directory)
    account_id = engine.account(chain[0])
    engine.run()
    comparison = engine.comparison(target)
    with services.begin(SYSTEM) as work:
        keys = [OutboxKey(target, Kind.ACCOUNT, str(account_id)), OutboxKey(target, Kind.AGENCY, str(chain[0].id))]
        for key, snapshot in desired_of(work, keys, comparison.config).items():
            assert snapshot.desired is not None
            assert set(snapshot.desired.fields) == comparison.config.schema.fields[key.kind]
    engine.clock.advance(minutes=1)
    assert engine.compare(target) == Tally(objects=2)


def test_a_run_tells_how_far_it_is_and_what_it_found(
    engine: Engine, people: list[AccountId], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hufu_sync.comparison.TOLD_EVERY", 0.0)
    engine.ad.things[engine.in_ad(people[0])].fields["title"] = "他人改的"
    run_id = request_comparison(Target.AD, engine.services, OPERATOR)
    seen: list[tuple[int, int]] = []

    def alive() -> None:
        ((objects, done),) = [(run.objects, run.done) for run in engine.runs() if run.id == run_id]
        seen.append((objects, done))

    engine.comparison().run(run_id, alive=alive)
    (run,) = engine.runs()
    assert (run.kind, run.target, run.cause) == (RunKind.COMPARISON, Target.AD, RunCause.ASKED)
    assert (run.objects, run.done, run.differing, run.failed, run.finished_at is None) == (5, 5, 1, 0, False)
    assert seen[-1] == (5, 2)


def test_of_two_at_once_one_does_it(engine: Engine, people: list[AccountId]) -> None:
    run_id = request_comparison(Target.AD, engine.services, OPERATOR)
    with alone(engine.services.engine, "comparison:ad") as mine:
        assert mine
        assert engine.comparison().run(run_id) is None
    assert engine.comparison().run(run_id) == Tally(objects=5)
    assert engine.comparison().run(run_id) is None


def test_a_run_that_ended_halfway_is_begun_again(engine: Engine, people: list[AccountId]) -> None:
    engine.ad.things[engine.in_ad(people[0])].fields["title"] = "他人改的"
    run_id = request_comparison(Target.AD, engine.services, OPERATOR)
    with pytest.raises(StoppedError):
        engine.comparison().run(run_id, stopping=lambda: True)
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="everything account", times=1)
    with pytest.raises(Unreachable):
        engine.comparisons().serve()
    engine.comparisons().serve()
    assert engine.runs()[0].finished_at is None
    engine.clock.advance(seconds=30)
    engine.comparisons().serve()
    (run,) = engine.runs()
    assert (run.id, run.objects, run.differing, run.finished_at) == (run_id, 5, 1, engine.clock.now())


def test_very_many_differences_fit_into_their_statements(
    engine: Engine, people: list[AccountId], chain: Sequence[Agency], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hufu_sync.comparison.WRITTEN_AT_ONCE", 2)
    for account_id in people:
        fields = engine.ad.things[engine.in_ad(account_id)].fields
        fields |= {name: f"{value}?" for name, value in fields.items()}
    engine.compare()
    assert len(engine.drifts()) == 20
    with engine.services.read() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(drifts)).scalar_one() == 3 * len(
            DirectorySchema.fields[Kind.ACCOUNT]
        )
