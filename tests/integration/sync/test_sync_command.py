"""`hufu sync`: status, the queue, drift, adoption; beside a worker with targets in memory."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hufu_registry.accounts.use_cases import delete_account, disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.errors import Denied
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Code, ErrorClass
from hufu_registry.sync.store import drifts
from hufu_registry.sync.use_cases import pause_target
from hufu_stack.environment import environment
from hufu_stack.stack import Stack
from hufu_sync.adoption import adopt, adoption_of
from hufu_sync.command.shared import account_of
from hufu_sync.errors import Refused
from hufu_sync.printing import table, width
from tests.kit.consoles import audited
from tests.kit.engine import Engine, Hufu, lines_of
from tests.kit.faults.world import AGENCY, office_on, until

# The directory's rights.


def test_protect_records_how_much_it_wrote_also_where_it_was_broken_off(
    engine: Engine, hufu: Hufu, people: Sequence[AccountId]
) -> None:
    made, ours = len(engine.ad.things), {"agency": len(engine.ad.things) - len(people), "account": len(people)}
    assert f"{made} objects would have" in hufu("directory", "protect", "--dry-run").output
    assert audited(engine.services, "target.protected") == []
    assert f"{made} objects have" in hufu("directory", "protect").output
    engine.ad.things[engine.in_ad(people[0])].protected = True
    asked = len(engine.ad.calls)
    engine.ad.fail(Refused(Code.AD_NO_RIGHTS), when="only_inherit", after=ours["agency"] + 1)
    assert hufu("directory", "protect").exit_code == 1
    assert engine.ad.calls[asked:].count("only_inherit") == ours["agency"] + 2
    assert [record.new for record in audited(engine.services, "target.protected")] == [ours, ours | {"account": 1}]


# Status and the queue.


def test_status_tells_of_everything_that_needs_a_person(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3])
    engine.run()
    well = hufu("status")
    assert (well.exit_code, lines_of(well, "!")) == (0, [])
    pause_target(Target.KEYCLOAK, "搬機房", engine.services, OPERATOR)
    engine.services = replace(engine.services, policy=replace(engine.services.policy, destructive_steps_per_hour=0))
    found = hufu("status", "--json")
    told = json.loads(found.output)
    assert found.exit_code == 1
    assert [row["target"] for row in told["targets"]] == ["ad", "keycloak"]
    assert told["held_changes"] == 0
    assert [alarm for alarm in told["alarms"] if "搬機房" in alarm]
    assert [alarm for alarm in told["alarms"] if "0 destructive steps" in alarm]
    assert "paused" in lines_of(hufu("status"), "keycloak")[0]


def test_status_alarms_when_nobody_works(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3])
    assert hufu("status").exit_code == 0
    engine.clock.advance(minutes=16)
    found = hufu("status")
    assert found.exit_code == 1
    assert lines_of(found, "is the worker up?")


def test_a_parked_row_is_seen_tried_again_and_dropped(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.ad.fail(Refused(Code.AD_REFUSED), when="Create account")
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    parked = hufu("queue", "--state", "parked")
    assert lines_of(parked, "wangxm")
    assert "ad_refused" in parked.output
    (row,) = json.loads(hufu("queue", "--target", "ad", "--json").output)
    assert row["key"] == {"target": "ad", "kind": "account", "object_id": str(account_id)}

    assert "would be tried again" in hufu("retry", "ad", "--parked", "--dry-run").output
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id).parked_at is not None
    assert hufu("retry", "ad", "--account", "wangxm").exit_code == 0
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id).parked_at is None

    assert hufu("drop", "ad", "--account", "wangxm", "--why", "leaves", answer="n\n").exit_code == 1
    assert hufu("drop", "ad", "--account", "wangxm", "--why", "leaves", "--yes").exit_code == 0
    row = engine.row(Target.AD, Kind.ACCOUNT, account_id)
    assert row.applied_generation == row.generation
    assert engine.records("work.dropped") == 1
    again = hufu("retry", "ad", "--account", "wangxm")
    assert (again.exit_code, "nothing is to be done" in again.output) == (1, True)


def test_what_a_deleted_account_still_waits_for_is_dropped_by_the_name_that_the_queue_prints(
    engine: Engine, hufu: Hufu, chain: Sequence[Agency]
) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    disable_account(account_id, engine.services, OPERATOR, reason="離職")
    delete_account(account_id, engine.services, OPERATOR, reason="離職")
    assert lines_of(hufu("queue", "--target", "ad"), "wangxm")
    assert hufu("drop", "ad", "--account", "wang", "--why", "leaves", "--yes").exit_code == 1
    assert hufu("drop", "ad", "--account", "WangXM", "--why", "leaves", "--yes").exit_code == 0
    row = engine.row(Target.AD, Kind.ACCOUNT, account_id)
    assert row.applied_generation == row.generation


def test_what_is_gone_is_made_again_when_a_person_says_so(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    (old, _), *_ = engine.ad.of(f"hufu:account:{account_id}")
    del engine.ad.things[old]
    engine.enqueue(account_id)
    engine.run()
    assert "gone_in_ad" in hufu("queue").output
    assert hufu("make-again", "ad", "--account", "wangxm").exit_code == 0
    engine.run()
    assert [one for one, _ in engine.ad.of(f"hufu:account:{account_id}")] != [old]
    assert hufu("status").exit_code == 0


def test_parked_mails_are_tried_again(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    with engine.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.MAIL, Kind.NOTICE, str(uuid4())))
    with engine.services.begin(SYSTEM) as work:
        (claimed,) = work.queue.claim(Target.MAIL, uuid4(), timedelta(seconds=30))
        work.queue.park(claimed, error_class=ErrorClass.REFUSED, error=Code.MAIL_ADDRESS_REFUSED.value)
    assert "mail_address_refused" in hufu("queue", "--target", "mail").output
    assert hufu("retry", "mail", "--parked").exit_code == 0
    assert "mail_address_refused" not in hufu("queue", "--target", "mail").output


def test_a_pause_by_hand_ends_by_hand(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    assert "would be paused" in hufu("pause", "ad", "--why", "new server", "--dry-run").output
    assert hufu("pause", "ad", "--why", "new server").exit_code == 0
    engine.account(chain[3])
    engine.run()
    assert engine.ad.things == {}
    assert hufu("resume", "ad").exit_code == 0
    engine.run()
    assert engine.ad.things


# Drift and comparison.


def test_drift_is_listed_accepted_overwritten_and_ignored(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm", phone="02-87654321", mobile="0912345678")
    engine.run()
    fields = engine.thing(account_id).fields
    fields |= {"title": "專員", "telephoneNumber": "02-1234", "department": "秘書室"}
    engine.clock.advance(minutes=1)
    planned = hufu("compare", "ad", "--dry-run")
    assert len(lines_of(planned, "left alone")) == 3
    assert engine.count(drifts) == 0
    compared = hufu("compare", "ad")
    assert compared.exit_code == 0, compared.output
    assert "1 differ" in compared.output
    assert len(lines_of(hufu("drift", "--target", "ad"), "wangxm")) == 3
    assert json.loads(hufu("drift", "--target", "keycloak", "--json").output) == []

    one = ("ad", "--account", "wangxm", "--field")
    assert "would be accepted" in hufu("drift", "accept", *one, "title", "--dry-run").output
    assert len(json.loads(hufu("drift", "--json").output)) == 3
    accepted = hufu("drift", "accept", *one, "title")
    assert accepted.exit_code == 0, accepted.output
    assert hufu("drift", "overwrite", *one, "telephoneNumber").exit_code == 0
    later = (engine.clock.now() + timedelta(days=30)).strftime("%Y-%m-%d")
    assert hufu("drift", "ignore", *one, "department", "--until", later).exit_code == 0
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        assert work.accounts.get(account_id).profile.title == "專員"
    assert (fields["title"], fields["telephoneNumber"], fields["department"]) == ("專員", "02-87654321", "秘書室")
    assert json.loads(hufu("drift", "--json").output) == []
    assert [row["field"] for row in json.loads(hufu("drift", "--ignored", "--json").output)] == ["department"]
    none = hufu("drift", "accept", *one, "mail")
    assert (none.exit_code, none.output) == (1, "Error: nothing differs there\n")


# Adoption.


def test_an_account_of_the_directory_is_adopted_by_a_person_only(
    engine: Engine, hufu: Hufu, chain: Sequence[Agency]
) -> None:
    theirs = engine.ad.stand_in_the_way("wangxm")
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    assert "name_taken_in_ad" in hufu("queue").output
    assert engine.ad.things[theirs].mark == ""
    shown = hufu("adopt", "wangxm", "--dry-run")
    assert re.search(r"adopt +@mark", shown.output)
    assert re.search(r"set_fields +title +theirs +科員", shown.output)
    assert hufu("adopt", "wangxm", answer="n\n").exit_code == 1
    assert engine.ad.things[theirs].mark == ""
    done = hufu("adopt", "wangxm", answer="y\n")
    assert done.exit_code == 0, done.output
    assert engine.ad.things[theirs].mark == f"hufu:account:{account_id}"
    assert engine.records("account.adopted_in_ad") == 1
    engine.run()
    assert engine.ad.things[theirs].fields["title"] == "科員"
    assert hufu("status").exit_code == 0
    again = hufu("adopt", "wangxm")
    assert (again.exit_code, again.output) == (1, "Error: the account stands in the directory already\n")


def test_only_system_managers_adopt(engine: Engine, chain: Sequence[Agency]) -> None:
    theirs = engine.ad.stand_in_the_way("wangxm")
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    reach = engine.reach()
    account = account_of(engine.services, "wangxm")
    adoption = adoption_of(account, engine.services, reach.converger_of(Target.AD), engine.ad)
    with pytest.raises(Denied, match="system_managers_only"):
        adopt(adoption, engine.services, engine.ad, account_actor(account_id))
    assert engine.ad.things[theirs].mark == ""
    assert engine.records("account.adopted_in_ad") == 0


def test_a_protected_account_is_never_adopted(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    theirs = engine.ad.stand_in_the_way("wangxm", protected=True)
    engine.account(chain[3], name="wangxm")
    engine.run()
    refused = hufu("adopt", "wangxm", "--yes")
    assert (refused.exit_code, "AdminSDHolder" in refused.output) == (1, True)
    assert engine.ad.things[theirs].mark == ""


def test_an_adoption_that_is_refused_leaves_no_record(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.ad.stand_in_the_way("wangxm")
    engine.account(chain[3], name="wangxm")
    engine.run()
    engine.ad.fail(Refused(Code.AD_NO_RIGHTS), when="Adopt")
    refused = hufu("adopt", "wangxm", "--yes")
    assert (refused.exit_code, "below our OU" in refused.output) == (1, True)
    assert engine.records("account.adopted_in_ad") == 0


def test_there_is_nothing_to_adopt_where_nothing_stands(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3], name="wangxm")
    early = hufu("adopt", "wangxm")
    assert (early.exit_code, early.output) == (1, "Error: its agency has to stand in the directory first\n")


# Tables.


def test_columns_are_aligned_where_characters_are_two_wide() -> None:
    lines = list(table(("name", "title"), [("王小明", "a"), ("Lin", "科長"), ("e\u0301", "x\x1b[31m\n")]))
    assert [width(line[: line.index(cell)]) for line, cell in zip(lines, ("title", "a", "科", "x"), strict=True)] == [
        8
    ] * 4
    assert "\x1b" not in "".join(lines)
    assert "\n" not in "".join(lines)


# The real servers.


@pytest.mark.stack
def test_an_operator_sees_and_mends_what_somebody_did_in_the_directory(stack: Stack, tmp_path: Path) -> None:
    variables = os.environ | environment(stack.profile, "worker")

    def hufu(*arguments: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name("hufu")
        command = [str(program), "sync", *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=120)

    with office_on(stack) as engine:
        directory = engine.directory
        assert directory is not None
        account_id = engine.approve()
        name, one = engine.names[account_id], ("--account", engine.names[account_id])
        until(lambda: engine.is_done(account_id))
        (entry,) = directory.of_account(account_id)
        assert "0 to change, 0 lose something" in hufu("plan", *one).stdout

        directory.write(entry.dn, title="手改職稱")
        shown = hufu("plan", *one)
        assert shown.returncode == 0, shown.stderr
        assert re.search(rf"{name}\) +left alone +title +手改職稱 +科員", shown.stdout)

        (user,), group = engine.in_keycloak(account_id), engine.keycloak.group(AGENCY)
        assert group is not None
        engine.keycloak.delete(f"users/{user['id']}/groups/{group['id']}")
        file = tmp_path / "plan.json"
        made = hufu("plan", *one, "-o", str(file))
        assert re.search(
            rf"keycloak +account +王小明 \({name}\) +place +@place +/\S+{AGENCY}$", made.stdout, re.MULTILINE
        )
        applied = hufu("apply", str(file), "--yes")
        assert f"keycloak account 王小明 ({name}): done" in applied.stdout, applied.stderr
        assert engine.in_keycloak(account_id)[0]["groups"] == [AGENCY]
        assert directory.of_account(account_id)[0].values["title"] == "手改職稱"

        assert hufu("compare", "ad").returncode == 0
        differing = json.loads(hufu("drift", "--target", "ad", "--json").stdout)
        mine = [row for row in differing if row["key"]["object_id"] == str(account_id)]
        assert [(row["field"], row["there"], row["wanted"]) for row in mine] == [("title", "手改職稱", "科員")]
        assert hufu("drift", "overwrite", "ad", *one, "--field", "title").returncode == 0
        until(lambda: directory.of_account(account_id)[0].values["title"] == "科員")
        assert json.loads(hufu("status", "--json").stdout)["targets"]
