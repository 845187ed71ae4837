"""Notices on their way: those for one mailbox that may be joined go in one mail, and none is lost or sent twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa

from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.notices import CASE_WAITING
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.notices.model import Mail
from hufu_registry.notices.store import notices
from hufu_registry.people.notices import MAILBOX_CODE
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code
from hufu_registry.sync.store import target_states
from hufu_registry.sync.use_cases import drop_work
from hufu_sync.errors import Refused, TargetError, Transient, Unreachable
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine

JOINED = replace(CASE_WAITING, digest_wait=timedelta(minutes=15))


@pytest.fixture
def engine(services: SqlServices, database: RegistrySettings, clock: SetClock) -> Engine:
    return Engine(services, database, clock, directory=False)


def tell(engine: Engine, number: int, recipient: str = "manager@example.org", language: str = "en") -> UUID:
    """A notice that may be joined with others."""
    with engine.services.begin(SYSTEM) as work:
        values = {"number": str(number), "agency": "臺中市政府", "case_id": str(number)}
        return work.notices.send(JOINED, recipient, language, values)


def not_wiped(engine: Engine) -> list[UUID]:
    with engine.services.read() as connection:
        kept = sa.or_(notices.c.sealed.is_not(None), notices.c.digest_key.is_not(None))
        return list(connection.execute(sa.select(notices.c.id).where(kept)).scalars())


def test_what_waits_for_one_mailbox_goes_in_one_mail(engine: Engine, clock: SetClock) -> None:
    first = tell(engine, 101)
    clock.advance(minutes=10)
    for number in range(102, 115):
        tell(engine, number)
    other, chinese = tell(engine, 201, "other@example.org"), tell(engine, 301, language="zh_Hant_TW")
    engine.run()
    assert engine.post.sent == []
    clock.advance(minutes=5)
    engine.run()
    ((message_id, recipient, subject, text),) = engine.post.sent
    assert (message_id, recipient, subject) == (str(first), "manager@example.org", "14 notices for you")
    assert all(f"(case {number})" in text for number in range(101, 115))
    assert sorted(not_wiped(engine)) == sorted([other, chinese])
    clock.advance(minutes=10)
    engine.run()
    assert {(mail[1], mail[2]) for mail in engine.post.sent[1:]} == {
        ("other@example.org", "An application waits for your decision (case 201)"),
        ("manager@example.org", "有一件帳號申請待審核（案號 301）"),
    }
    assert not_wiped(engine) == []
    with engine.services.read() as connection:
        assert all(state.waiting == state.parked == 0 for state in target_states(connection))


@pytest.mark.parametrize("error", [Unreachable(Code.MAIL_UNREACHABLE), Transient(Code.MAIL_LATER)])
def test_what_was_joined_is_not_lost_when_the_mail_fails(engine: Engine, clock: SetClock, error: TargetError) -> None:
    tell(engine, 101)
    clock.advance(minutes=10)
    tell(engine, 102)
    clock.advance(minutes=5)
    engine.post.error = error
    engine.run()
    assert (engine.post.sent, len(not_wiped(engine))) == ([], 2)
    engine.post.error = None
    clock.advance(minutes=20)
    engine.run()
    assert [mail[2] for mail in engine.post.sent] == ["2 notices for you"]
    assert not_wiped(engine) == []


def test_what_needs_a_person_or_was_dropped_joins_no_mail(engine: Engine, clock: SetClock) -> None:
    parked, dropped = tell(engine, 101), tell(engine, 102)
    engine.post.error = Refused(Code.MAIL_ADDRESS_REFUSED)
    clock.advance(minutes=15)
    engine.run()
    engine.post.error = None
    drop_work(OutboxKey(Target.MAIL, Kind.NOTICE, str(dropped)), "not needed", engine.services, OPERATOR)
    tell(engine, 103)
    old = tell(engine, 104)
    with engine.services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(notices).where(notices.c.id == old).values(template="gone"))
    clock.advance(minutes=15)
    engine.run()
    assert [mail[2] for mail in engine.post.sent] == ["An application waits for your decision (case 103)"]
    assert engine.row(Target.MAIL, Kind.NOTICE, parked).error == Code.MAIL_ADDRESS_REFUSED
    assert engine.row(Target.MAIL, Kind.NOTICE, old).error == Code.NOTICE_UNRENDERABLE


def test_two_workers_send_what_is_joined_once(engine: Engine, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(101, 104):
        tell(engine, number)
    clock.advance(minutes=15)
    other, send = engine.another_worker()[Target.MAIL], engine.post.send

    def slow(mail: Mail, *, message_id: str) -> None:
        monkeypatch.setattr(engine.post, "send", send)
        other.drain()
        send(mail, message_id=message_id)

    monkeypatch.setattr(engine.post, "send", slow)
    engine.run()
    assert [mail[2] for mail in engine.post.sent] == ["3 notices for you"]


def test_a_notice_is_given_all_its_values(engine: Engine) -> None:
    with engine.services.begin(SYSTEM) as work, pytest.raises(ValueError, match="mailbox_code takes"):
        work.notices.send(MAILBOX_CODE, "x@example.org", "en", {"code": "1"})
