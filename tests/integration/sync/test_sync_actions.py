"""One-time actions: mail, restored credentials, a password to be changed, unlocking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.use_cases import (
    disable_account,
    require_password_change,
    reset_otp,
    restore_account,
    unlock_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.notices.model import Mail
from hufu_registry.people.notices import MAILBOX_CODE
from hufu_registry.propagation.model import ActionKind, ActionState
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.propagation.use_cases import enqueue_account, request_action
from hufu_registry.sync.model import Code
from hufu_registry.sync.use_cases import converge_now
from hufu_sync.errors import Refused, Unreachable
from hufu_sync.targets.port import Credentials
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine

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
    user_id, guid = engine.in_keycloak(account_id), engine.in_ad(account_id)
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
    guid = engine.in_ad(account_id)

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


def test_a_link_for_a_new_otp_is_mailed_while_the_account_is_in_use(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET state = 'enabled', activated_at = approved_at"))
    reset_otp(account_id, engine.services, SYSTEM)
    engine.run()
    assert engine.keycloak.otp_mails == [engine.in_keycloak(account_id)]
    assert engine.records("account.otp_mail") == 1
    clock.advance(minutes=2)
    reset_otp(account_id, engine.services, SYSTEM)
    disable_account(account_id, engine.services, SYSTEM, reason="離職")
    engine.run()
    assert len(engine.keycloak.otp_mails) == 1, "a disabled one gets none"


def test_unlocking_reaches_both_targets_and_the_registry(
    engine: Engine, chain: Sequence[Agency], clock: SetClock
) -> None:
    account_id = engine.account(chain[0])
    engine.run()
    guid, user_id = engine.in_ad(account_id), engine.in_keycloak(account_id)
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
    assert engine.ad.asked_to_change == [engine.in_ad(account_id)]
    with engine.services.read() as connection:
        (act,) = connection.execute(
            sa.select(one_time_actions).where(one_time_actions.c.kind == ActionKind.MUST_CHANGE.value)
        ).all()
    assert (act.times, act.outcome) == (1, "done")
