"""The way of a change into the targets, on a real PostgreSQL with targets in memory; the relay, the jobs and the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from click.testing import CliRunner, Result

from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.notices.store import notices
from hufu_registry.people.notices import MAILBOX_CODE
from hufu_registry.propagation.model import ActionKind
from hufu_registry.propagation.store import one_time_actions
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model import Code, StepName, StepState
from hufu_registry.sync.store import account_in_targets, due_targets, target_states
from hufu_registry.sync.use_cases import converge_now
from hufu_sync import jobs, relay
from hufu_sync.command import sync
from hufu_sync.errors import Refused, Transient
from hufu_sync.targets.port import Credentials
from tests.kit.engine import DONE, Engine


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
        in_ad = account_in_targets(connection, engine.services.keys, account_id)[0]
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
    ((_, user),) = engine.keycloak.of(f"hufu:account:{account_id}")
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
    queue: Any = FakeQueue()
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
