"""The activation mail, and how an account becomes enabled: what Keycloak saw, and what time brings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import disable_not_activated, resend_activation
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_registry.sync.store import account_story, feed_cursors, sign_ins
from hufu_sync.errors import Interrupted, Transient, Unreachable
from hufu_sync.feed import FEED
from hufu_sync.scheduler.comparisons import Comparisons, Nightly
from hufu_sync.targets.port import Credentials
from tests.kit.clocks import SetClock
from tests.kit.engine import DONE, Engine

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


def test_a_mail_that_is_not_answered_in_time_holds_up_nobody_else_and_comes_ever_more_rarely(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    slow = engine.account(chain[0])

    def late(call: str) -> None:
        if call == "mail" and engine.keycloak.mails[-1] == engine.in_keycloak(slow):
            raise Interrupted(Code.ACTIVATION_MAIL_NOT_SENT)

    engine.keycloak.after = late
    other = engine.account(chain[0])
    engine.run()
    assert engine.story(other)[StepName.MAIL] == DONE
    pauses = []
    for attempt in range(1, 5):
        assert engine.story(slow)[StepName.MAIL] == (StepState.RETRYING, Code.ACTIVATION_MAIL_NOT_SENT)
        row = engine.row(Target.KEYCLOAK, Kind.ACCOUNT, slow)
        assert row.attempts == engine.keycloak.mails.count(engine.in_keycloak(slow)) == attempt
        pauses.append((row.next_at - clock.now()).total_seconds())
        clock.advance(seconds=pauses[-1] + 0.001)
        engine.run()
    assert pauses == sorted(pauses)
    assert pauses[-1] > 4 * pauses[0]
    assert "probe" not in engine.keycloak.calls, "it was never thought away"


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


def test_who_is_refused_for_want_of_an_otp_that_he_had_is_mailed_a_link_at_once(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    account_id, user_id, guid = waiting
    engine.keycloak.having[user_id] = Credentials(password=True, otp=False)
    engine.keycloak.saw(user_id, "LOGIN_ERROR", at=clock.now(), error="not_activated")
    engine.feed.poll()
    engine.run()
    assert engine.keycloak.otp_mails == [], "he has an activation mail"
    engine.keycloak.having[user_id] = Credentials(password=True, otp=True)
    engine.ad.passwords[guid] = engine.clock.now()
    Nightly(engine.services, engine.feed).run()
    engine.keycloak.having[user_id] = Credentials(password=True, otp=False)
    for _ in range(2):
        engine.keycloak.saw(user_id, "LOGIN_ERROR", at=clock.now(), error="not_activated")
        engine.feed.poll()
        engine.run()
        assert engine.keycloak.otp_mails == [user_id]
    assert engine.drifts(Target.KEYCLOAK).keys() == {(str(account_id), "@second_factor")}


def test_an_application_is_called_what_people_call_it(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    """By its newest name, also for events that say none."""
    account_id, user_id, _ = waiting
    for names in (("公文系統", "Documents"), ("", ""), ("公文管理系統", "Document management")):
        clock.advance(seconds=20)
        engine.keycloak.saw(user_id, at=clock.now(), names=names)
        engine.feed.poll()
    with engine.services.read() as connection:
        kept = sign_ins(connection, account_id, Page())
    assert [(one.client_name, one.client_name_en) for one in kept.rows] == [("公文管理系統", "Document management")] * 3


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


def test_one_account_that_cannot_be_checked_holds_up_neither_the_others_nor_the_comparison(
    engine: Engine,
    chain: Sequence[Agency],
    waiting: tuple[AccountId, str, str],
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As one that the directory hides: Keycloak breaks off where it is asked for what he has set up."""
    others = [engine.account(chain[0]) for _ in range(2)]
    engine.run()
    hidden, hidden_user, _ = waiting
    ask = engine.keycloak.credentials

    def credentials(remote_id: str) -> Credentials:
        if remote_id == hidden_user:
            raise Interrupted(Code.KEYCLOAK_ERROR)
        return ask(remote_id)

    monkeypatch.setattr(engine.keycloak, "credentials", credentials)
    for account_id in (hidden, others[0]):
        engine.keycloak.saw(engine.in_keycloak(account_id), "UPDATE_TOTP", at=clock.now())
    for account_id in others:
        engine.keycloak.having[engine.in_keycloak(account_id)] = Credentials(password=True, otp=True)
        engine.ad.passwords[engine.in_ad(account_id)] = clock.now()
    engine.feed.poll()
    assert [engine.state(account_id) for account_id in (hidden, *others)] == [
        "not_activated",
        "enabled",
        "not_activated",
    ]
    with engine.services.begin(SYSTEM) as work:
        assert work.cursors.feed(FEED) == clock.now()
    comparison = engine.comparison(Target.KEYCLOAK)
    Comparisons(comparison, lambda: None, lambda: False, Nightly(engine.services, engine.feed)).serve()
    assert engine.state(others[1]) == "enabled"
    assert [run.finished_at is not None for run in engine.runs()] == [True]


def test_an_event_from_the_future_silences_no_later_one(
    engine: Engine, waiting: tuple[AccountId, str, str], clock: SetClock
) -> None:
    """The sign-in server's clock was wrong for a moment."""
    account_id, user_id, _ = waiting
    engine.keycloak.saw(user_id, at=clock.now() + timedelta(days=1))
    engine.feed.poll()
    clock.advance(minutes=5)
    engine.keycloak.saw(user_id, "UPDATE_TOTP", at=clock.now(), event_id="normal")
    engine.feed.poll()
    with engine.services.read() as connection:
        assert "normal" in [record.event_id for record in sign_ins(connection, account_id, Page()).rows]


def test_a_position_from_the_future_that_was_kept_once_does_not_last(engine: Engine, clock: SetClock) -> None:
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.insert(feed_cursors).values(feed=FEED, at=clock.now() + timedelta(days=1)))
    with engine.services.begin(SYSTEM) as work:
        assert work.cursors.feed(FEED) == clock.now()
        work.cursors.move_feed(FEED, clock.now())
    clock.advance(minutes=5)
    with engine.services.begin(SYSTEM) as work:
        assert work.cursors.feed(FEED) == clock.now() - timedelta(minutes=5)


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
    assert disable_not_activated(engine.services, SYSTEM) == 0
    clock.advance(days=2)
    assert disable_not_activated(engine.services, SYSTEM) == 1
    engine.run()
    ((_, in_ad),) = engine.ad.of(f"hufu:account:{account_id}")
    assert (engine.state(account_id), in_ad.enabled) == ("disabled", False)
