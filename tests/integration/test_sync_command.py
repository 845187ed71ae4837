"""`hufu sync …` on a real PostgreSQL with targets in memory, and once on the real servers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.settings import RegistrySettings
from hufu_registry.sync.model import Code, ErrorClass, RunKind
from hufu_registry.sync.model.plan_file import PlanFile, Scope
from hufu_registry.sync.store import applied_steps, drifts, run_of
from hufu_registry.sync.use_cases import pause_target, request_plan, request_plan_execution
from hufu_stack.environment import environment
from hufu_stack.stack import Stack
from hufu_sync.bootstrap import Parts, Targets
from hufu_sync.command import shared, sync
from hufu_sync.errors import Refused, Unreachable
from hufu_sync.health import Heart
from hufu_sync.planning import build_plan_lanes, make_plan, serve_requests
from hufu_sync.printing import table, width
from tests.kit.clocks import SetClock
from tests.kit.engine import Engine, change_agency, killed_after
from tests.kit.faults.world import AGENCY, office_on, until
from tests.kit.targets.fakes import Thing

Run = Callable[..., Result]


class Operator(Engine):
    """Somebody at the command, beside a worker that works when it is told to."""

    def reach(self) -> shared.Engine:
        targets = Targets(self.ad, self.keycloak, self.post)
        parts = Parts(self._settings, self.services, Heart(), self.metrics)
        return shared.Engine(self.services, targets, build_plan_lanes(parts, targets))

    def thing(self, account_id: AccountId) -> Thing:
        return self.ad.of(f"hufu:account:{account_id}")[0][1]

    def retitle(self, account_id: AccountId, title: str) -> None:
        """The registry's own value."""
        with self.services.begin(SYSTEM) as work:
            account = work.accounts.get(account_id)
            account = replace(account, profile=replace(account.profile, title=title))
            work.accounts.save(account)
            enqueue_account(work, self.services, account)

    def want(self, account_id: AccountId) -> None:
        with self.services.begin(SYSTEM) as work:
            enqueue_account(work, self.services, work.accounts.get(account_id))

    def count(self, table_: sa.Table) -> int:
        with self.services.read() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table_)).scalar_one()

    def writes(self) -> list[str]:
        return [call for target in (self.ad, self.keycloak) for call in target.calls if call[0].isupper()]


@pytest.fixture
def office(services: Any, database: RegistrySettings, clock: SetClock) -> Operator:
    return Operator(services, database, clock, directory=True)


@pytest.fixture
def hufu(office: Operator, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(shared, "build_engine", lambda services: office.reach())

    def run(*arguments: str, answer: str | None = None) -> Result:
        with capture_logs():
            return CliRunner().invoke(sync, list(arguments), obj=lambda: office.services, input=answer)

    return run


def lines_of(result: Result, word: str) -> list[str]:
    return [line for line in result.output.splitlines() if word in line]


# Status and the queue.


def test_status_tells_of_everything_that_needs_a_person(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[3])
    office.run()
    well = hufu("status")
    assert (well.exit_code, lines_of(well, "!")) == (0, [])
    pause_target(Target.KEYCLOAK, "搬機房", office.services, OPERATOR)
    office.services = replace(office.services, policy=replace(office.services.policy, destructive_steps_per_hour=0))
    found = hufu("status", "--json")
    told = json.loads(found.output)
    assert found.exit_code == 1
    assert [row["target"] for row in told["targets"]] == ["ad", "keycloak"]
    assert told["held_changes"] == 0
    assert [alarm for alarm in told["alarms"] if "搬機房" in alarm]
    assert [alarm for alarm in told["alarms"] if "0 destructive steps" in alarm]
    assert "paused" in lines_of(hufu("status"), "keycloak")[0]


def test_status_alarms_when_nobody_works(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[3])
    assert hufu("status").exit_code == 0
    office.clock.advance(minutes=16)
    found = hufu("status")
    assert found.exit_code == 1
    assert lines_of(found, "is the worker up?")


def test_a_parked_row_is_seen_tried_again_and_dropped(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.ad.fail(Refused(Code.AD_REFUSED), when="Create account")
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    parked = hufu("queue", "--state", "parked")
    assert lines_of(parked, "wangxm")
    assert "ad_refused" in parked.output
    (row,) = json.loads(hufu("queue", "--target", "ad", "--json").output)
    assert row["key"] == {"target": "ad", "kind": "account", "object_id": str(account_id)}

    assert "would be tried again" in hufu("retry", "ad", "--parked", "--dry-run").output
    assert office.row(Target.AD, Kind.ACCOUNT, account_id).parked_at is not None
    assert hufu("retry", "ad", "--account", "wangxm").exit_code == 0
    assert office.row(Target.AD, Kind.ACCOUNT, account_id).parked_at is None

    assert hufu("drop", "ad", "--account", "wangxm", "--why", "leaves", answer="n\n").exit_code == 1
    assert hufu("drop", "ad", "--account", "wangxm", "--why", "leaves", "--yes").exit_code == 0
    row = office.row(Target.AD, Kind.ACCOUNT, account_id)
    assert row.applied_generation == row.generation
    assert office.records("work.dropped") == 1
    again = hufu("retry", "ad", "--account", "wangxm")
    assert (again.exit_code, "nothing is to be done" in again.output) == (1, True)


def test_what_is_gone_is_made_again_when_a_person_says_so(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    (old, _), *_ = office.ad.of(f"hufu:account:{account_id}")
    del office.ad.things[old]
    office.want(account_id)
    office.run()
    assert "gone_in_ad" in hufu("queue").output
    assert hufu("make-again", "ad", "--account", "wangxm").exit_code == 0
    office.run()
    assert [one for one, _ in office.ad.of(f"hufu:account:{account_id}")] != [old]
    assert hufu("status").exit_code == 0


def test_parked_mails_are_tried_again(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    with office.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.MAIL, Kind.NOTICE, str(uuid4())))
    with office.services.begin(SYSTEM) as work:
        (claimed,) = work.queue.claim(Target.MAIL, uuid4(), timedelta(seconds=30))
        work.queue.park(claimed, error_class=ErrorClass.REFUSED, error=Code.MAIL_ADDRESS_REFUSED.value)
    assert "mail_address_refused" in hufu("queue", "--target", "mail").output
    assert hufu("retry", "mail", "--parked").exit_code == 0
    assert "mail_address_refused" not in hufu("queue", "--target", "mail").output


def test_a_pause_by_hand_ends_by_hand(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    assert "would be paused" in hufu("pause", "ad", "--why", "new server", "--dry-run").output
    assert hufu("pause", "ad", "--why", "new server").exit_code == 0
    office.account(chain[3])
    office.run()
    assert office.ad.things == {}
    assert hufu("resume", "ad").exit_code == 0
    office.run()
    assert office.ad.things


# Plans.


def test_a_plan_shows_before_and_after_and_writes_nothing(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm")
    other = office.account(chain[2], name="lins01")
    office.run()
    assert "0 to change" in hufu("plan").output
    office.retitle(account_id, "科長")
    office.thing(other).fields["title"] = "hand"
    writes, row = office.writes(), office.row(Target.AD, Kind.ACCOUNT, account_id)
    shown = hufu("plan")
    assert shown.exit_code == 0
    (line,) = lines_of(shown, "set_fields")
    assert re.search(r"ad +account +王小明 \(wangxm\) +set_fields +title +科員 +科長", line)
    (left,) = lines_of(shown, "left alone")
    assert re.search(r"lins01\) +left alone +title +hand +科員", left)
    assert "1 to change, 0 lose something" in shown.output
    assert office.writes() == writes
    assert office.row(Target.AD, Kind.ACCOUNT, account_id) == row
    assert office.count(drifts) == 0


def test_a_plan_is_of_what_it_was_asked_for(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    for agency, name in ((chain[1], "minister"), (chain[2], "bureau"), (chain[3], "team01")):
        office.account(agency, name=name)
    office.run()
    for name in ("minister", "bureau", "team01"):
        with office.services.begin(SYSTEM) as work:
            account = work.accounts.find_by_name(name)
        assert account is not None
        office.retitle(account.id, "科長")

    def names(*options: str) -> set[str]:
        return set(re.findall(r"\((\w+)\) +set_fields", hufu("plan", *options).output))

    assert names() == {"minister", "bureau", "team01"}
    assert names("--agency", chain[2].oid or "") == {"bureau", "team01"}
    assert names("--account", "bureau") == {"bureau"}


def test_the_file_is_the_owners_and_the_same_as_the_json(
    office: Operator, hufu: Run, chain: Sequence[Agency], tmp_path: Path
) -> None:
    office.account(chain[3])
    file = tmp_path / "plan.json"
    file.write_text("old")
    file.chmod(0o644)
    shown = hufu("plan", "--json", "-o", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == json.loads(shown.output)
    assert json.loads(shown.output)["objects"]


def test_a_new_agency_and_its_people_are_applied_in_one_go(
    office: Operator, hufu: Run, chain: Sequence[Agency]
) -> None:
    office.account(chain[3], name="wangxm")
    agency = chain[3].oid or ""
    shown = hufu("plan", "--agency", agency)
    assert lines_of(shown, "create")
    assert lines_of(shown, "not foretold: waits_for_agency")
    done = hufu("apply", "--agency", agency, "--yes")
    assert done.exit_code == 0, done.output
    assert len(lines_of(done, ": done")) == len(office.ad.things) + len(office.keycloak.things) == 10
    assert "0 to change" in hufu("plan").output


def test_nothing_is_applied_in_a_dry_run_or_without_a_yes(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[3], name="wangxm")
    assert hufu("apply", "--account", "wangxm", "--dry-run").exit_code == 0
    assert hufu("apply", "--account", "wangxm", answer="n\n").exit_code == 1
    assert hufu("apply", "--account", "wangxm").exit_code == 1
    assert hufu("apply", "--account", "wangxm", "--json").exit_code == 2
    assert office.writes() == []
    asked = hufu("apply", "--account", "wangxm", answer="y\n")
    assert (asked.exit_code, bool(office.writes())) == (0, True)


def test_a_plan_is_applied_while_the_target_is_paused(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    pause_target(Target.AD, "look first", office.services, OPERATOR)
    office.retitle(account_id, "科長")
    office.run()
    assert office.thing(account_id).fields["title"] == "科員"
    assert hufu("apply", "--account", "wangxm", "--yes").exit_code == 0
    assert office.thing(account_id).fields["title"] == "科長"


def test_what_the_plan_did_not_show_is_not_taken_away(
    office: Operator, hufu: Run, chain: Sequence[Agency], tmp_path: Path
) -> None:
    account_id = office.account(chain[3], name="wangxm")
    other = office.account(chain[3], name="lins01")
    office.run()
    file = tmp_path / "plan.json"
    office.retitle(account_id, "科長")
    disable_account(other, office.services, SYSTEM, reason="left")
    shown = hufu("plan", "-o", str(file))
    (line,) = [line for line in lines_of(shown, "disable") if " ad " in f" {line} "]
    assert re.search(r"^! +ad +account +王小明 \(lins01\) +disable +@enabled +True +False", line)
    disable_account(account_id, office.services, SYSTEM, reason="left")
    done = hufu("apply", str(file), "--yes")
    assert done.exit_code == 1
    assert lines_of(done, "ad account 王小明 (wangxm): skipped (not_in_plan)")
    assert lines_of(done, "ad account 王小明 (lins01): done")
    assert (office.thing(account_id).enabled, office.thing(other).enabled) == (True, False)
    # The plan does not take it away; the queue, which was asked to, goes on with it.
    assert office.row(Target.AD, Kind.ACCOUNT, account_id).error is None
    office.run()
    assert not office.thing(account_id).enabled


def test_a_plan_finds_what_was_made_and_never_noted(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[1])
    office.run()
    office.account(chain[2])
    killed_after(office, "ad", "Create agency")
    office.clock.advance(seconds=31)
    change_agency(office, chain[2], "moved", chain[0])
    oid = chain[2].oid or ""
    shown = hufu("plan", "--agency", oid)
    (line,) = [line for line in lines_of(shown, "place") if " ad " in f" {line} "]
    assert line.startswith("!")
    hufu("apply", "--agency", oid, "--yes")
    assert len(office.ad.of(f"hufu:agency:{chain[2].id}")) == 1


def test_what_another_worker_holds_is_left_to_it(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    office.retitle(account_id, "科長")
    with office.services.begin(SYSTEM) as work:
        assert work.queue.claim(Target.AD, uuid4(), timedelta(seconds=30))
    done = hufu("apply", "--account", "wangxm", "--yes")
    assert done.exit_code == 1
    assert lines_of(done, "ad account 王小明 (wangxm): held")
    assert office.thing(account_id).fields["title"] == "科員"


def test_one_that_fails_is_told_and_the_others_are_done(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[3], name="first1")
    office.account(chain[3], name="second")
    office.ad.fail(Refused(Code.AD_REFUSED_VALUE), when="Create account", times=1)
    done = hufu("apply", "--agency", chain[3].oid or "", "--yes", "--json")
    assert done.exit_code == 1
    results = {(one["key"]["target"], one["result"], one["code"]) for one in json.loads(done.output)}
    assert ("ad", "failed", "ad_refused_value") in results
    assert ("ad", "done", None) in results
    assert len(office.ad.things) == 5


def test_a_target_that_is_away_is_said_in_a_sentence(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[3], name="wangxm")
    office.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="find")
    found = hufu("plan")
    assert (found.exit_code, found.output) == (1, "Error: transient: ad_unreachable\n")
    office.ad.heal()
    made = hufu("plan", "--json")
    assert made.exit_code == 0
    office.ad.fail(Unreachable(Code.AD_TIMEOUT), when="Create")
    done = hufu("apply", "--account", "wangxm", "--yes")
    assert (done.exit_code, len(lines_of(done, "failed (ad_timeout)"))) == (1, 1)
    assert "ad_timeout" in hufu("status").output


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda raw: raw | {"version": "0.0.1"}, "made by version 0.0.1"),
        (lambda raw: raw | {"format": 9}, "make a new one"),
        (lambda raw: raw | {"registry_id": str(uuid4())}, "another registry"),
        (lambda raw: raw | {"objects": [{}]}, "no plan, or a damaged one: see objects[0].key"),
    ],
)
def test_a_plan_that_is_not_ours_is_refused(
    office: Operator, hufu: Run, chain: Sequence[Agency], tmp_path: Path, change: Any, sentence: str
) -> None:
    office.account(chain[3])
    file = tmp_path / "plan.json"
    hufu("plan", "-o", str(file))
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    refused = hufu("apply", str(file), "--yes")
    assert (refused.exit_code, sentence in refused.output) == (1, True)
    assert office.writes() == []


def test_a_file_that_is_no_text_is_refused(hufu: Run, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(b"\xff\xfe\x00")
    assert "see the file" in hufu("apply", str(file), "--yes").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("apply",),
        ("apply", "--agency", "2.16.886.101.29999", "--account", "wangxm"),
        ("plan", "--agency", "2.16.886.101.29999", "--account", "wangxm"),
        ("retry", "ad"),
        ("retry", "mail", "--account", "wangxm"),
        ("retry", "ad", "--account", "wangxm", "--parked"),
        ("compare", "mail"),
        ("pause", "ad"),
        ("drift", "ignore", "ad", "--account", "wangxm", "--field", "title", "--until", "soon"),
        ("nonsense",),
    ],
)
def test_a_command_that_is_not_understood_ends_with_two(hufu: Run, chain: Sequence[Agency], arguments: Any) -> None:
    assert hufu(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plan", "--agency", "2.16.886.101.1"), "no such agency"),
        (("plan", "--account", "nobody"), "no such account"),
        (("adopt", "nobody"), "no such account"),
    ],
)
def test_what_there_is_not_is_said_in_a_sentence(hufu: Run, arguments: Any, sentence: str) -> None:
    found = hufu(*arguments)
    assert (found.exit_code, found.output) == (1, f"Error: {sentence}\n")


def test_without_the_workers_settings_the_command_names_what_is_missing(
    office: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HUFU_KEYCLOAK_URL", "HUFU_SMTP_HOST"):
        monkeypatch.delenv(name, raising=False)
    found = CliRunner().invoke(sync, ["plan"], obj=lambda: office.services)
    assert found.exit_code == 1
    assert "the worker's settings" in found.output
    assert "HUFU_KEYCLOAK_URL" in found.output


# Drift and comparison.


def test_drift_is_listed_accepted_overwritten_and_ignored(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm", phone="02-87654321", mobile="0912345678")
    office.run()
    fields = office.thing(account_id).fields
    fields |= {"title": "專員", "telephoneNumber": "02-1234", "department": "秘書室"}
    office.clock.advance(minutes=1)
    planned = hufu("compare", "ad", "--dry-run")
    assert len(lines_of(planned, "left alone")) == 3
    assert office.count(drifts) == 0
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
    later = (office.clock.now() + timedelta(days=30)).strftime("%Y-%m-%d")
    assert hufu("drift", "ignore", *one, "department", "--until", later).exit_code == 0
    office.run()
    with office.services.begin(SYSTEM) as work:
        assert work.accounts.get(account_id).profile.title == "專員"
    assert (fields["title"], fields["telephoneNumber"], fields["department"]) == ("專員", "02-87654321", "秘書室")
    assert json.loads(hufu("drift", "--json").output) == []
    assert [row["field"] for row in json.loads(hufu("drift", "--ignored", "--json").output)] == ["department"]
    none = hufu("drift", "accept", *one, "mail")
    assert (none.exit_code, none.output) == (1, "Error: nothing differs there\n")


# Adoption.


def test_an_account_of_the_directory_is_adopted_by_a_person_only(
    office: Operator, hufu: Run, chain: Sequence[Agency]
) -> None:
    theirs = office.ad.stand_in_the_way("wangxm")
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    assert "name_taken_in_ad" in hufu("queue").output
    assert office.ad.things[theirs].mark == ""
    shown = hufu("adopt", "wangxm", "--dry-run")
    assert re.search(r"adopt +@mark", shown.output)
    assert re.search(r"set_fields +title +theirs +科員", shown.output)
    assert hufu("adopt", "wangxm", answer="n\n").exit_code == 1
    assert office.ad.things[theirs].mark == ""
    done = hufu("adopt", "wangxm", answer="y\n")
    assert done.exit_code == 0, done.output
    assert office.ad.things[theirs].mark == f"hufu:account:{account_id}"
    assert office.records("account.adopted_in_ad") == 1
    office.run()
    assert office.ad.things[theirs].fields["title"] == "科員"
    assert hufu("status").exit_code == 0
    again = hufu("adopt", "wangxm")
    assert (again.exit_code, again.output) == (1, "Error: the account stands in the directory already\n")


def test_a_protected_account_is_never_adopted(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    theirs = office.ad.stand_in_the_way("wangxm", protected=True)
    office.account(chain[3], name="wangxm")
    office.run()
    refused = hufu("adopt", "wangxm", "--yes")
    assert (refused.exit_code, "AdminSDHolder" in refused.output) == (1, True)
    assert office.ad.things[theirs].mark == ""


def test_an_adoption_that_is_refused_leaves_no_record(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.ad.stand_in_the_way("wangxm")
    office.account(chain[3], name="wangxm")
    office.run()
    office.ad.fail(Refused(Code.AD_NO_RIGHTS), when="Adopt")
    refused = hufu("adopt", "wangxm", "--yes")
    assert (refused.exit_code, "below our OU" in refused.output) == (1, True)
    assert office.records("account.adopted_in_ad") == 0


def test_there_is_nothing_to_adopt_where_nothing_stands(office: Operator, hufu: Run, chain: Sequence[Agency]) -> None:
    office.account(chain[3], name="wangxm")
    early = hufu("adopt", "wangxm")
    assert (early.exit_code, early.output) == (1, "Error: its agency has to stand in the directory first\n")


# Plans that were asked for at the console.


def plan_body(office: Operator, run_id: UUID) -> str:
    with office.services.begin(SYSTEM) as work:
        return work.runs.body(run_id)


def test_a_plan_asked_for_is_made_and_executed_by_the_clock(office: Operator, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    office.retitle(account_id, "科長")
    lanes, beats = office.reach().lanes, []
    plan_id = request_plan(chain[3].id, None, office.services, OPERATOR)
    serve_requests(office.services, lanes, lambda: beats.append(1))
    with office.services.read() as connection:
        made = run_of(connection, plan_id)
    assert made.finished_at is not None
    assert (made.differing, made.failed) == (1, 0)
    body = json.loads(plan_body(office, plan_id))
    assert body["scope"]["agency_id"] == chain[3].id
    assert office.thing(account_id).fields["title"] == "科員"

    execution = request_plan_execution(plan_id, office.services, OPERATOR)
    serve_requests(office.services, lanes, lambda: beats.append(1))
    with office.services.read() as connection:
        done = run_of(connection, execution)
    assert (done.objects, done.done, done.failed, done.finished_at is not None) == (1, 1, 0, True)
    assert office.thing(account_id).fields["title"] == "科長"
    assert len(beats) >= 3
    with office.services.begin(SYSTEM) as work:
        assert work.runs.open_requests(RunKind.PLAN) == []


def test_the_execution_takes_nothing_away_that_the_plan_did_not_show(office: Operator, chain: Sequence[Agency]) -> None:
    account_id = office.account(chain[3], name="wangxm")
    office.run()
    office.retitle(account_id, "科長")
    plan_id = request_plan(None, account_id, office.services, OPERATOR)
    serve_requests(office.services, office.reach().lanes, lambda: None)
    disable_account(account_id, office.services, SYSTEM, reason="left")
    execution = request_plan_execution(plan_id, office.services, OPERATOR)
    serve_requests(office.services, office.reach().lanes, lambda: None)
    with office.services.read() as connection:
        done = run_of(connection, execution)
    assert done.failed > 0
    assert office.thing(account_id).enabled


def test_a_plan_that_cannot_be_made_ends_as_failed(office: Operator, chain: Sequence[Agency]) -> None:
    office.account(chain[3])
    office.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="find")
    plan_id = request_plan(None, None, office.services, OPERATOR)
    serve_requests(office.services, office.reach().lanes, lambda: None)
    with office.services.read() as connection:
        run = run_of(connection, plan_id)
    assert (run.failed, run.code, run.finished_at is not None) == (1, Code.AD_UNREACHABLE, True)
    assert plan_body(office, plan_id) == ""


def test_a_plans_content_is_sealed_in_the_store(office: Operator, chain: Sequence[Agency]) -> None:
    office.account(chain[3], title="專門委員")
    office.run()
    with office.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.AD, Kind.AGENCY, str(chain[3].id)))
    plan_id = request_plan(None, None, office.services, OPERATOR)
    serve_requests(office.services, office.reach().lanes, lambda: None)
    with office.services.read() as connection:
        stored = connection.execute(sa.text("SELECT body_sealed FROM sync_runs WHERE id = :id"), {"id": plan_id})
        assert "objects" not in stored.scalar_one()


def test_planning_asks_in_batches(office: Operator, chain: Sequence[Agency]) -> None:
    for _ in range(30):
        office.account(chain[3])
    office.run()
    office.ad.calls.clear()
    reach = office.reach()
    made = make_plan(office.services, reach.convergers, Scope())
    assert made.looked_at == 2 * 34
    assert office.ad.calls == ["find agency", "find account"]
    assert isinstance(made, PlanFile)
    assert office.count(applied_steps) > 0


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

    with office_on(stack) as office:
        directory = office.directory
        assert directory is not None
        account_id = office.approve()
        name, one = office.names[account_id], ("--account", office.names[account_id])
        until(lambda: office.is_done(account_id))
        (entry,) = directory.of_account(account_id)
        assert "0 to change, 0 lose something" in hufu("plan", *one).stdout

        directory.write(entry.dn, title="手改職稱")
        shown = hufu("plan", *one)
        assert shown.returncode == 0, shown.stderr
        assert re.search(rf"{name}\) +left alone +title +手改職稱 +科員", shown.stdout)

        (user,), group = office.in_keycloak(account_id), office.keycloak.group(AGENCY)
        assert group is not None
        office.keycloak.delete(f"users/{user['id']}/groups/{group['id']}")
        file = tmp_path / "plan.json"
        made = hufu("plan", *one, "-o", str(file))
        assert re.search(
            rf"keycloak +account +王小明 \({name}\) +place +@place +/\S+{AGENCY}$", made.stdout, re.MULTILINE
        )
        applied = hufu("apply", str(file), "--yes")
        assert f"keycloak account 王小明 ({name}): done" in applied.stdout, applied.stderr
        assert office.in_keycloak(account_id)[0]["groups"] == [AGENCY]
        assert directory.of_account(account_id)[0].values["title"] == "手改職稱"

        assert hufu("compare", "ad").returncode == 0
        differing = json.loads(hufu("drift", "--target", "ad", "--json").stdout)
        mine = [row for row in differing if row["key"]["object_id"] == str(account_id)]
        assert [(row["field"], row["there"], row["wanted"]) for row in mine] == [("title", "手改職稱", "科員")]
        assert hufu("drift", "overwrite", "ad", *one, "--field", "title").returncode == 0
        until(lambda: directory.of_account(account_id)[0].values["title"] == "科員")
        assert json.loads(hufu("status", "--json").stdout)["targets"]
