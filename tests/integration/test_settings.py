"""Settings that change while everything runs: bounds, time, agencies, two at once, and what is kept of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import timeline
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import FEATURES, Policy
from hufu_registry.kernel.actor import OPERATOR, Actor, account_actor, applicant_actor
from hufu_registry.kernel.errors import Denied, Invalid, NotFound
from hufu_registry.policy.command import settings as command
from hufu_registry.policy.store import is_readable, settings
from hufu_registry.policy.use_cases import ChangeSetting, change_setting
from tests.kit.clocks import SetClock
from tests.kit.staff import Staff

# Noon in Taipei.
NOON = datetime(2026, 11, 26, 4, 0, tzinfo=UTC)
TOMORROW = date(2026, 11, 27)
MIDNIGHT = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)
ONE_SECOND = timedelta(seconds=1)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


def policy(services: SqlServices, at: Agency | None = None) -> Policy:
    with services.begin() as work:
        return work.policy if at is None else work.policy_at(at)


def give(
    services: SqlServices, key: str, value: str | None, at: Agency | None = None, since: date | None = None
) -> None:
    change_setting(ChangeSetting(key, value, None if at is None else at.id, since), services, OPERATOR)


def test_a_new_value_counts_from_the_next_transaction_and_can_be_taken_back(services: SqlServices) -> None:
    assert policy(services) == services.policy
    give(services, "code_tries", "3")
    assert policy(services) == replace(services.policy, code_tries=3)
    give(services, "code_tries", None)
    assert policy(services) == services.policy


def test_the_environment_gives_the_default(services: SqlServices) -> None:
    elsewhere = replace(services, policy=replace(services.policy, guard_most=7, guard_agency_percent=9))
    give(services, "guard_most", "8")
    assert policy(elsewhere) == replace(elsewhere.policy, guard_most=8)


def test_within_one_transaction_a_value_stands_still(services: SqlServices) -> None:
    with services.begin() as work:
        assert work.policy.code_tries == 5
        give(services, "code_tries", "3")
        assert work.policy.code_tries == 5
    assert policy(services).code_tries == 3


@pytest.mark.parametrize(
    ("changing", "faults"),
    [
        (ChangeSetting("code_tries", "0"), {"value": "setting_bounds"}),
        (ChangeSetting("code_tries", "21"), {"value": "setting_bounds"}),
        (ChangeSetting("code_tries", "many"), {"value": "setting_shape"}),
        (ChangeSetting("code_tries", "3", valid_from=date(2026, 11, 25)), {"valid_from": "in_the_past"}),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_kept(
    services: SqlServices, changing: ChangeSetting, faults: dict[str, str]
) -> None:
    with pytest.raises(Invalid) as refused:
        change_setting(changing, services, OPERATOR)
    assert refused.value.fields == faults
    with services.begin() as work:
        assert work.connection.execute(sa.select(settings)).all() == []
    assert Staff(services).recorded("setting.changed") == []


def test_two_that_belong_together_cannot_be_set_against_each_other(services: SqlServices) -> None:
    for key, value in (("session_max", "10m"), ("session_idle", "11h")):
        with pytest.raises(Invalid) as refused:
            give(services, key, value)
        assert refused.value.fields == {"value": "setting_less_than"}
    assert policy(services) == services.policy


def test_two_that_belong_together_agree_on_later_days_too(services: SqlServices) -> None:
    give(services, "session_idle", "9h", since=TOMORROW)
    with pytest.raises(Invalid):
        give(services, "session_max", "8h")
    give(services, "session_max", "9h")
    with pytest.raises(Invalid):
        give(services, "session_max", "8h", since=date(2026, 11, 28))


def test_a_stored_value_that_cannot_be_read_does_not_count_and_is_shown(
    services: SqlServices, run: Callable[..., Result]
) -> None:
    with services.engine.begin() as connection:
        bad = {"key": "guard_most", "value": "abc", "valid_from": NOON, "changed_at": NOON}
        connection.execute(sa.insert(settings).values(bad))
    is_readable.cache_clear()
    with capture_logs() as logs:
        assert policy(services) == policy(services) == services.policy
    assert [entry["event"] for entry in logs] == ["setting_unreadable"]
    lines = run("list").output.splitlines()
    (shown,) = [line for line in lines if line.startswith("    abc")]
    assert "cannot be read" in shown
    give(services, "guard_most", "7")
    assert policy(services).guard_most == 7


def test_only_what_is_declared_can_be_set(services: SqlServices) -> None:
    for key in ("with_directory", "nothing"):
        with pytest.raises(NotFound, match="setting"):
            give(services, key, "1")


def test_a_later_value_becomes_true_at_midnight_in_taipei_by_time_alone(services: SqlServices, clock: SetClock) -> None:
    give(services, "code_tries", "3", since=TOMORROW)
    give(services, "code_tries", "4", since=date(2026, 11, 26))
    clock.advance(seconds=(MIDNIGHT - NOON - ONE_SECOND).total_seconds())
    assert policy(services).code_tries == 4
    clock.advance(seconds=1)
    assert policy(services).code_tries == 3


def test_the_last_word_about_a_day_counts(services: SqlServices, clock: SetClock) -> None:
    give(services, "code_tries", "3", since=TOMORROW)
    give(services, "code_tries", "2", since=TOMORROW)
    clock.advance(days=1)
    assert policy(services).code_tries == 2


def test_the_nearest_agency_that_says_something_wins(services: SqlServices, chain: Sequence[Agency]) -> None:
    _, ministry, office, team = chain

    def seen() -> list[tuple[str, ...]]:
        return [policy(services, agency).official_mail_domains for agency in chain]

    usual = services.policy.official_mail_domains
    assert seen() == [usual] * 4
    give(services, "official_mail_domains", "all.tw")
    give(services, "official_mail_domains", "ministry.tw", at=ministry)
    give(services, "official_mail_domains", "team.tw", at=team)
    assert seen() == [("all.tw",), ("ministry.tw",), ("ministry.tw",), ("team.tw",)]
    give(services, "official_mail_domains", None, at=team)
    give(services, "official_mail_domains", "office.tw", at=office, since=TOMORROW)
    assert seen() == [("all.tw",), ("ministry.tw",), ("ministry.tw",), ("ministry.tw",)]
    assert policy(services).official_mail_domains == ("all.tw",)


def test_a_setting_of_everybody_is_none_of_an_agency(services: SqlServices, chain: Sequence[Agency]) -> None:
    with pytest.raises(Invalid) as refused:
        give(services, "code_tries", "3", at=chain[0])
    assert refused.value.fields == {"agency": "setting_for_everybody"}
    with pytest.raises(NotFound, match="agency"):
        change_setting(ChangeSetting("official_mail_domains", "x.tw", agency_id=-1), services, OPERATOR)  # type: ignore[arg-type]


def test_an_agencys_domains_decide_about_its_officials_mail(services: SqlServices, chain: Sequence[Agency]) -> None:
    """The one use there is: what another agency was allowed is not allowed here."""
    ministry, office = chain[1], chain[2]
    give(services, "official_mail_domains", "ministry.tw", at=ministry)
    with services.begin() as work:
        assert work.policy_at(office).official_mail_domains == ("ministry.tw",)
        assert work.policy_at(chain[0]).official_mail_domains == ()


def test_only_system_managers_change_settings(services: SqlServices, chain: Sequence[Agency]) -> None:
    staff = Staff(services)
    manager, official = staff.hire(chain[0], 2)
    staff.appoint(manager, chain[0], subordinates=True)
    change = ChangeSetting("code_tries", "3")
    refused: list[tuple[Actor, type[Exception]]] = [
        (account_actor(manager), Denied),
        (account_actor(official), Denied),
        (applicant_actor(), NotFound),
    ]
    for actor, error in refused:
        with pytest.raises(error):
            change_setting(change, services, actor)
    assert policy(services) == services.policy
    system_manager = staff.system_manager(chain[0])
    assert change_setting(change, services, system_manager).changed_by == system_manager.account_id
    assert policy(services).code_tries == 3


def test_each_change_is_recorded_with_old_and_new(
    services: SqlServices, chain: Sequence[Agency], clock: SetClock
) -> None:
    give(services, "official_mail_domains", "a.tw", at=chain[1])
    clock.advance(seconds=1)
    give(services, "official_mail_domains", "b.tw", at=chain[1], since=TOMORROW)
    clock.advance(seconds=1)
    give(services, "official_mail_domains", None, at=chain[1])
    with services.begin() as work:
        found = [(entry.old, entry.new) for entry in timeline(work.connection, "setting", "official_mail_domains").rows]
    assert found == [
        ({"value": None}, {"value": "a.tw", "valid_from": NOON.isoformat()}),
        ({"value": "a.tw"}, {"value": "b.tw", "valid_from": "2026-11-27T00:00:00+08:00"}),
        ({"value": "a.tw"}, {"value": None, "valid_from": (NOON + 2 * ONE_SECOND).isoformat()}),
    ]


def test_of_two_at_once_the_second_waits_and_has_the_last_word(services: SqlServices, clock: SetClock) -> None:
    """Also where the second began first: his moment is the earlier one."""
    began_first = replace(services, clock=SetClock(NOON - ONE_SECOND))
    with ThreadPoolExecutor(1) as pool:
        with services.begin() as work:
            work.settings.lock("code_tries")
            second = pool.submit(give, began_first, "code_tries", "4")
            _until_somebody_waits(services)
            # What the first does, in the transaction that holds the lock.
            first = {"key": "code_tries", "value": "3", "valid_from": NOON, "changed_at": NOON}
            work.connection.execute(sa.insert(settings).values(first))
        second.result(10)
    assert policy(services).code_tries == 4
    with services.begin() as work:
        (entry,) = timeline(work.connection, "setting", "code_tries").rows
    assert entry.old == {"value": "3"}


def test_many_at_once_each_see_what_was_before_them(services: SqlServices) -> None:
    barrier = threading.Barrier(4)

    def change(value: int) -> None:
        barrier.wait()
        give(services, "code_tries", str(value))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, range(1, 5)))
    with services.begin() as work:
        entries = timeline(work.connection, "setting", "code_tries").rows
    values = [entry.new["value"] for entry in entries]
    assert [entry.old["value"] for entry in entries] == [None, *values[:-1]]
    assert str(policy(services).code_tries) == values[-1]


def test_a_transaction_that_asks_no_setting_pays_nothing_and_one_that_asks_pays_once(services: SqlServices) -> None:
    with statements(services) as sent, services.begin() as work:
        work.agencies.find_by_oid("2.16.886.101.1")
        assert not [one for one in sent if "settings" in one]
        assert work.policy.code_tries + work.policy.guard_most == 105
        assert work.names.is_free("somebody", now=work.now)
        assert len([one for one in sent if "settings" in one]) == 1


def _until_somebody_waits(services: SqlServices) -> None:
    deadline = time.monotonic() + 10
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    while time.monotonic() < deadline:
        with services.read() as connection:
            if connection.execute(waiting).scalar_one():
                return
        time.sleep(0.01)
    pytest.fail("nobody waits")


@contextmanager
def statements(services: SqlServices) -> Iterator[list[str]]:
    sent: list[str] = []

    def note(*arguments: object) -> None:
        sent.append(str(arguments[2]))

    sa.event.listen(services.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(services.engine, "before_cursor_execute", note)


@pytest.fixture
def run(services: SqlServices) -> Callable[..., Result]:
    return lambda *arguments: CliRunner().invoke(command, arguments, obj=lambda: services)


def test_the_command_lists_every_setting_and_what_was_set(
    run: Callable[..., Result], services: SqlServices, chain: Sequence[Agency]
) -> None:
    assert run("set", "code_tries", "3").output == "code_tries: 3  since 2026-11-26 12:00\n"
    oid = chain[1].oid
    assert oid is not None
    later = run("set", "official_mail_domains", "ministry.tw", "--agency", oid, "--from", "2026-11-27")
    assert later.output == f"official_mail_domains: #{chain[1].id}: ministry.tw  from 2026-11-27 00:00\n"
    lines = run("list").output.splitlines()
    assert {line.split(" = ")[0] for line in lines if not line.startswith(" ")} == {
        setting.key for feature in FEATURES for setting in feature.settings
    }
    at = lines.index("code_tries = 5  (1 to 20)")
    assert lines[at + 1] == "    3  since 2026-11-26 12:00"
    assert "deletion_wait = 30d  (0d to 3650d)" in lines
    assert run("set", "code_tries", "default").exit_code == 0
    assert policy(services).code_tries == 5


def test_a_text_of_paragraphs_is_given_and_listed_by_its_first_line(run: Callable[..., Result]) -> None:
    assert run("set", "privacy_notice", "本署\n\n電話").output == "privacy_notice: 本署 …  since 2026-11-26 12:00\n"
    assert "    本署 …  since 2026-11-26 12:00" in run("list").output.splitlines()


def test_the_command_says_what_is_wrong(run: Callable[..., Result]) -> None:
    assert "session_max may not be less than session_idle" in run("set", "session_max", "10m").output
    assert "“com.tw” anybody" in run("set", "official_mail_domains", "com.tw").output
    assert "code_tries: must be between 1 and 20" in run("set", "code_tries", "0").output
    assert "code_lifetime: not a value" in run("set", "code_lifetime", "10").output
    assert "is too long" in run("set", "privacy_notice", "a" * 10_001).output
    assert "nobody sees" in run("set", "privacy_notice", "a\u202eb").output
    assert "the day is past" in run("set", "code_tries", "3", "--from", "2026-11-25").output
    assert isinstance(run("set", "nothing", "3").exception, NotFound)
