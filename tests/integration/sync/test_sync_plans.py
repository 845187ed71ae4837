"""Plans, at the command and asked for at the console: what is shown, and what is executed of it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from hufu_registry.accounts.use_cases import disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Code, RunKind
from hufu_registry.sync.model.plan_file import PlanFile, Scope
from hufu_registry.sync.store import applied_steps, drifts, run_of
from hufu_registry.sync.use_cases import pause_target, request_plan, request_plan_execution
from hufu_sync.command import sync
from hufu_sync.errors import Refused, Unreachable
from hufu_sync.planning import make_plan, serve_requests
from tests.kit.engine import Engine, Hufu, change_agency, killed_after, lines_of

# Plans.


def test_a_plan_shows_before_and_after_and_writes_nothing(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    other = engine.account(chain[2], name="lins01")
    engine.run()
    assert "0 to change" in hufu("plan").output
    engine.retitle(account_id, "科長")
    engine.thing(other).fields["title"] = "hand"
    writes, row = engine.writes(), engine.row(Target.AD, Kind.ACCOUNT, account_id)
    shown = hufu("plan")
    assert shown.exit_code == 0
    (line,) = lines_of(shown, "set_fields")
    assert re.search(r"ad +account +王小明 \(wangxm\) +set_fields +title +科員 +科長", line)
    (left,) = lines_of(shown, "left alone")
    assert re.search(r"lins01\) +left alone +title +hand +科員", left)
    assert "1 to change, 0 lose something" in shown.output
    assert engine.writes() == writes
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id) == row
    assert engine.count(drifts) == 0


def test_a_plan_is_of_what_it_was_asked_for(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    for agency, name in ((chain[1], "minister"), (chain[2], "bureau"), (chain[3], "team01")):
        engine.account(agency, name=name)
    engine.run()
    for name in ("minister", "bureau", "team01"):
        with engine.services.begin(SYSTEM) as work:
            account = work.accounts.find_by_name(name)
        assert account is not None
        engine.retitle(account.id, "科長")

    def names(*options: str) -> set[str]:
        return set(re.findall(r"\((\w+)\) +set_fields", hufu("plan", *options).output))

    assert names() == {"minister", "bureau", "team01"}
    assert names("--agency", chain[2].oid or "") == {"bureau", "team01"}
    assert names("--account", "bureau") == {"bureau"}


def test_the_file_is_the_owners_and_the_same_as_the_json(
    engine: Engine, hufu: Hufu, chain: Sequence[Agency], tmp_path: Path
) -> None:
    engine.account(chain[3])
    file = tmp_path / "plan.json"
    file.write_text("old")
    file.chmod(0o644)
    shown = hufu("plan", "--json", "-o", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text()) == json.loads(shown.output)
    assert json.loads(shown.output)["objects"]


def test_a_new_agency_and_its_people_are_applied_in_one_go(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3], name="wangxm")
    agency = chain[3].oid or ""
    shown = hufu("plan", "--agency", agency)
    assert lines_of(shown, "create")
    assert lines_of(shown, "not foretold: waits_for_agency")
    done = hufu("apply", "--agency", agency, "--yes")
    assert done.exit_code == 0, done.output
    assert len(lines_of(done, ": done")) == len(engine.ad.things) + len(engine.keycloak.things) == 10
    assert "0 to change" in hufu("plan").output


def test_nothing_is_applied_in_a_dry_run_or_without_a_yes(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3], name="wangxm")
    assert hufu("apply", "--account", "wangxm", "--dry-run").exit_code == 0
    assert hufu("apply", "--account", "wangxm", answer="n\n").exit_code == 1
    assert hufu("apply", "--account", "wangxm").exit_code == 1
    assert hufu("apply", "--account", "wangxm", "--json").exit_code == 2
    assert engine.writes() == []
    asked = hufu("apply", "--account", "wangxm", answer="y\n")
    assert (asked.exit_code, bool(engine.writes())) == (0, True)


def test_a_plan_is_applied_while_the_target_is_paused(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    pause_target(Target.AD, "look first", engine.services, OPERATOR)
    engine.retitle(account_id, "科長")
    engine.run()
    assert engine.thing(account_id).fields["title"] == "科員"
    assert hufu("apply", "--account", "wangxm", "--yes").exit_code == 0
    assert engine.thing(account_id).fields["title"] == "科長"


def test_what_the_plan_did_not_show_is_not_taken_away(
    engine: Engine, hufu: Hufu, chain: Sequence[Agency], tmp_path: Path
) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    other = engine.account(chain[3], name="lins01")
    engine.run()
    file = tmp_path / "plan.json"
    engine.retitle(account_id, "科長")
    disable_account(other, engine.services, SYSTEM, reason="left")
    shown = hufu("plan", "-o", str(file))
    (line,) = [line for line in lines_of(shown, "disable") if " ad " in f" {line} "]
    assert re.search(r"^! +ad +account +王小明 \(lins01\) +disable +@enabled +True +False", line)
    disable_account(account_id, engine.services, SYSTEM, reason="left")
    done = hufu("apply", str(file), "--yes")
    assert done.exit_code == 1
    assert lines_of(done, "ad account 王小明 (wangxm): skipped (not_in_plan)")
    assert lines_of(done, "ad account 王小明 (lins01): done")
    assert (engine.thing(account_id).enabled, engine.thing(other).enabled) == (True, False)
    # The plan does not take it away; the queue, which was asked to, goes on with it.
    assert engine.row(Target.AD, Kind.ACCOUNT, account_id).error is None
    engine.run()
    assert not engine.thing(account_id).enabled


def test_a_plan_finds_what_was_made_and_never_noted(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[1])
    engine.run()
    engine.account(chain[2])
    killed_after(engine, "ad", "Create agency")
    engine.clock.advance(seconds=31)
    change_agency(engine, chain[2], "moved", chain[0])
    oid = chain[2].oid or ""
    shown = hufu("plan", "--agency", oid)
    (line,) = [line for line in lines_of(shown, "place") if " ad " in f" {line} "]
    assert line.startswith("!")
    hufu("apply", "--agency", oid, "--yes")
    assert len(engine.ad.of(f"hufu:agency:{chain[2].id}")) == 1


def test_what_another_worker_holds_is_left_to_it(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    engine.retitle(account_id, "科長")
    with engine.services.begin(SYSTEM) as work:
        assert work.queue.claim(Target.AD, uuid4(), timedelta(seconds=30))
    done = hufu("apply", "--account", "wangxm", "--yes")
    assert done.exit_code == 1
    assert lines_of(done, "ad account 王小明 (wangxm): held")
    assert engine.thing(account_id).fields["title"] == "科員"


def test_one_that_fails_is_told_and_the_others_are_done(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3], name="first1")
    engine.account(chain[3], name="second")
    engine.ad.fail(Refused(Code.AD_REFUSED_VALUE), when="Create account", times=1)
    done = hufu("apply", "--agency", chain[3].oid or "", "--yes", "--json")
    assert done.exit_code == 1
    results = {(one["key"]["target"], one["result"], one["code"]) for one in json.loads(done.output)}
    assert ("ad", "failed", "ad_refused_value") in results
    assert ("ad", "done", None) in results
    assert len(engine.ad.things) == 5


def test_a_target_that_is_away_is_said_in_a_sentence(engine: Engine, hufu: Hufu, chain: Sequence[Agency]) -> None:
    engine.account(chain[3], name="wangxm")
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="find")
    found = hufu("plan")
    assert (found.exit_code, found.output) == (1, "Error: transient: ad_unreachable\n")
    engine.ad.heal()
    made = hufu("plan", "--json")
    assert made.exit_code == 0
    engine.ad.fail(Unreachable(Code.AD_TIMEOUT), when="Create")
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
    engine: Engine, hufu: Hufu, chain: Sequence[Agency], tmp_path: Path, change: Any, sentence: str
) -> None:
    engine.account(chain[3])
    file = tmp_path / "plan.json"
    hufu("plan", "-o", str(file))
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    refused = hufu("apply", str(file), "--yes")
    assert (refused.exit_code, sentence in refused.output) == (1, True)
    assert engine.writes() == []


def test_a_file_that_is_no_text_is_refused(hufu: Hufu, tmp_path: Path) -> None:
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
def test_a_command_that_is_not_understood_ends_with_two(hufu: Hufu, chain: Sequence[Agency], arguments: Any) -> None:
    assert hufu(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("plan", "--agency", "2.16.886.101.1"), "no such agency"),
        (("plan", "--account", "nobody"), "no such account"),
        (("adopt", "nobody"), "no such account"),
    ],
)
def test_what_there_is_not_is_said_in_a_sentence(hufu: Hufu, arguments: Any, sentence: str) -> None:
    found = hufu(*arguments)
    assert (found.exit_code, found.output) == (1, f"Error: {sentence}\n")


def test_without_the_workers_settings_the_command_names_what_is_missing(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HUFU_KEYCLOAK_URL", "HUFU_SMTP_HOST"):
        monkeypatch.delenv(name, raising=False)
    found = CliRunner().invoke(sync, ["plan"], obj=lambda: engine.services)
    assert found.exit_code == 1
    assert "the worker's settings" in found.output
    assert "HUFU_KEYCLOAK_URL" in found.output


# Plans that were asked for at the console.


def plan_body(engine: Engine, run_id: UUID) -> str:
    with engine.services.begin(SYSTEM) as work:
        return work.runs.body(run_id)


def test_a_plan_asked_for_is_made_and_executed_by_the_clock(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    engine.retitle(account_id, "科長")
    lanes, beats = engine.reach().lanes, []
    plan_id = request_plan(chain[3].id, None, engine.services, OPERATOR)
    serve_requests(engine.services, lanes, lambda: beats.append(1))
    with engine.services.read() as connection:
        made = run_of(connection, plan_id)
    assert made.finished_at is not None
    assert (made.differing, made.failed) == (1, 0)
    body = json.loads(plan_body(engine, plan_id))
    assert body["scope"]["agency_id"] == chain[3].id
    assert engine.thing(account_id).fields["title"] == "科員"

    execution = request_plan_execution(plan_id, engine.services, OPERATOR)
    serve_requests(engine.services, lanes, lambda: beats.append(1))
    with engine.services.read() as connection:
        done = run_of(connection, execution)
    assert (done.objects, done.done, done.failed, done.finished_at is not None) == (1, 1, 0, True)
    assert engine.thing(account_id).fields["title"] == "科長"
    assert len(beats) >= 3
    with engine.services.begin(SYSTEM) as work:
        assert work.runs.open_requests(RunKind.PLAN) == []


def test_the_execution_takes_nothing_away_that_the_plan_did_not_show(engine: Engine, chain: Sequence[Agency]) -> None:
    account_id = engine.account(chain[3], name="wangxm")
    engine.run()
    engine.retitle(account_id, "科長")
    plan_id = request_plan(None, account_id, engine.services, OPERATOR)
    serve_requests(engine.services, engine.reach().lanes, lambda: None)
    disable_account(account_id, engine.services, SYSTEM, reason="left")
    execution = request_plan_execution(plan_id, engine.services, OPERATOR)
    serve_requests(engine.services, engine.reach().lanes, lambda: None)
    with engine.services.read() as connection:
        done = run_of(connection, execution)
    assert done.failed > 0
    assert engine.thing(account_id).enabled


def test_a_plan_that_cannot_be_made_ends_as_failed(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[3])
    engine.ad.fail(Unreachable(Code.AD_UNREACHABLE), when="find")
    plan_id = request_plan(None, None, engine.services, OPERATOR)
    serve_requests(engine.services, engine.reach().lanes, lambda: None)
    with engine.services.read() as connection:
        run = run_of(connection, plan_id)
    assert (run.failed, run.code, run.finished_at is not None) == (1, Code.AD_UNREACHABLE, True)
    assert plan_body(engine, plan_id) == ""


def test_a_plans_content_is_sealed_in_the_store(engine: Engine, chain: Sequence[Agency]) -> None:
    engine.account(chain[3], title="專門委員")
    engine.run()
    with engine.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.AD, Kind.AGENCY, str(chain[3].id)))
    plan_id = request_plan(None, None, engine.services, OPERATOR)
    serve_requests(engine.services, engine.reach().lanes, lambda: None)
    with engine.services.read() as connection:
        stored = connection.execute(sa.text("SELECT body_sealed FROM sync_runs WHERE id = :id"), {"id": plan_id})
        assert "objects" not in stored.scalar_one()


def test_planning_asks_in_batches(engine: Engine, chain: Sequence[Agency]) -> None:
    for _ in range(30):
        engine.account(chain[3])
    engine.run()
    engine.ad.calls.clear()
    reach = engine.reach()
    made = make_plan(engine.services, reach.convergers, Scope())
    assert made.looked_at == 2 * 34
    assert engine.ad.calls == ["find agency", "find account"]
    assert isinstance(made, PlanFile)
    assert engine.count(applied_steps) > 0
