"""Held sets, plans and spreadsheets over HTTP, on a real PostgreSQL."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import get_args
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from hufu_console.exports import spreadsheet
from hufu_console.exports.jobs import write
from hufu_console.web import lists
from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.guard.model import HeldState
from hufu_registry.guard.store import held_change_of
from hufu_registry.kernel.actor import SYSTEM, account_actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Code, RunCause
from hufu_registry.sync.model.desired import DirectorySchema, KeycloakSchema
from hufu_registry.sync.model.plan import Step
from hufu_registry.sync.store import StepDone, run_of
from hufu_registry.sync.use_cases import request_plan
from tests.kit.accounts import official
from tests.kit.clocks import SetClock
from tests.kit.consoles import account_now, audited, sheet_of, signed_in
from tests.kit.sync_scenes import (
    drifted,
    held,
    key_of,
    park,
    planned,
)

# Held sets


@pytest.mark.requirement("S1-076")
def test_a_held_set_is_looked_at_and_released_by_a_second_person(
    app: Flask,
    services: SqlServices,
    system_manager: Account,
    other_system_manager: Account,
    browser: FlaskClient,
    chain: Sequence[Agency],
) -> None:
    losing = [official(services, chain[3], f"loser{number:02}") for number in range(25)]
    held_id = held(services, system_manager.id, losing)
    listed = browser.get("/sync/held").text
    assert "停用帳號" in listed
    assert "機關裁撤" in listed
    page = browser.get(f"/sync/held/{held_id}").text
    assert "loser00" in page
    assert "loser24" not in page
    assert "loser24" in browser.get(f"/sync/held/{held_id}?page=2").text
    second = signed_in(app, services, other_system_manager.id)
    assert "影響 25 個帳號" in second.get(f"/sync/held/{held_id}/release").text
    answer = second.post(f"/sync/held/{held_id}/release", data={"version": "1"})
    assert answer.status_code == 303
    assert account_now(services, losing[0]).state is AccountState.DISABLED
    assert "整批執行" in second.get(answer.location).text
    again = second.post(f"/sync/held/{held_id}/release", data={"version": "1"}, follow_redirects=True)
    assert "已有人" in again.text


def test_whoever_asked_for_very_many_cannot_release_it_himself_and_is_told_why(
    app: Flask, services: SqlServices, system_manager: Account, browser: FlaskClient, chain: Sequence[Agency]
) -> None:
    losing = [official(services, chain[3], f"loser{number:03}") for number in range(101)]
    held_id = held(services, system_manager.id, losing)
    page = browser.get(f"/sync/held/{held_id}").text
    assert "須由另一位系統管理者放行" in page
    assert f"/sync/held/{held_id}/release" not in page
    assert browser.post(f"/sync/held/{held_id}/release", data={"version": "1"}).status_code == 403
    assert account_now(services, losing[0]).state is AccountState.ENABLED


@pytest.mark.requirement("S1-076")
def test_a_held_set_is_thrown_away_with_a_reason(
    services: SqlServices, system_manager: Account, browser: FlaskClient, pair: list[Account]
) -> None:
    held_id = held(services, system_manager.id, pair)
    at = f"/sync/held/{held_id}/cancel"
    assert browser.get(at).status_code == 200
    assert browser.post(at, data={"version": "1", "reason": ""}).status_code == 422
    assert browser.post(at, data={"version": "9", "reason": "誤植"}).status_code == 409
    assert browser.post(at, data={"version": "1", "reason": "誤植"}).status_code == 303
    with services.read() as connection:
        assert held_change_of(connection, held_id).state is HeldState.CANCELLED
    assert "沒有待放行的異動" in browser.get("/sync/held").text
    assert "誤植" in browser.get(f"/sync/held/{held_id}").text
    assert "已捨棄" in browser.get("/sync/held?state=cancelled").text


def test_every_field_has_a_word(app: Flask) -> None:
    with app.test_request_context("/?language=zh_Hant_TW"):
        for schema in (DirectorySchema(""), KeycloakSchema(with_directory=False)):
            for name in frozenset().union(*schema.fields.values()):
                assert lists.words("sync/_labels.html", "field_word", name) != name


def test_every_step_has_a_word(app: Flask) -> None:
    names = {kind.__dataclass_fields__["step"].default for kind in get_args(Step)} - {"set_enabled"}
    with app.test_request_context("/?language=zh_Hant_TW"):
        for name in (*names, "enable", "disable"):
            assert lists.words("sync/_labels.html", "planned_step_word", name) != name


# Plans


@pytest.mark.requirement("S1-076")
def test_a_plan_is_asked_for_read_and_executed(
    services: SqlServices, system_manager: Account, browser: FlaskClient, wang: Account
) -> None:
    assert browser.get("/sync/plans/new").status_code == 200
    asked = browser.post("/sync/plans/new", data={"account_name": "wangxm"})
    assert "進行中" in browser.get(asked.location).text
    assert browser.get(f"{asked.location}/execute").status_code == 409
    run_id = planned(services, system_manager.id, wang)
    page = browser.get(f"/sync/runs/{run_id}").text
    for text in (
        "1 個物件會停用、移動或刪除", "停用", "刪除", "寫入資料", "科員", "維持現狀", "有 1 個欄位維持現狀", "不變；主檔資料為：2",
    ):  # fmt: skip
        assert text in page, text
    confirm = browser.get(f"/sync/runs/{run_id}/execute").text
    assert "執行 3 個步驟" in confirm
    assert "1 個物件會停用、移動或刪除" in confirm
    answer = browser.post(f"/sync/runs/{run_id}/execute")
    with services.read() as connection:
        execution = run_of(connection, UUID(answer.location.rpartition("/")[2]))
    assert (execution.cause, execution.plan_id) == (RunCause.EXECUTION, run_id)
    assert "查看計畫" in browser.get(answer.location).text


def test_a_plan_that_came_to_nothing_says_why(
    services: SqlServices, browser: FlaskClient, system_manager: Account
) -> None:
    for code, words in (
        (Code.AD_UNREACHABLE.value, "目前連不上 Active Directory"),
        ("plan_other_version", "其他版本產生"),
    ):
        run_id = request_plan(None, None, services, account_actor(system_manager.id))
        with services.begin(SYSTEM) as work:
            work.runs.finish(run_id, code=code)
        assert words in browser.get(f"/sync/runs/{run_id}").text


@pytest.mark.parametrize(
    "data",
    [
        {"account_name": "nobody1"},
        {"account_name": "wangxm", "agency_id": "1"},
        {"account_name": "<b>"},
        {"agency_id": "x"},
        {"agency_id": "9" * 18},
    ],
)
def test_a_plan_of_nobody_or_of_two_things_is_not_asked_for(
    browser: FlaskClient, wang: Account, data: dict[str, str]
) -> None:
    assert browser.post("/sync/plans/new", data=data).status_code == 422


# Spreadsheets


def test_lists_are_exported_as_text_that_no_program_takes_for_a_formula(
    services: SqlServices, system_manager: Account, browser: FlaskClient, wang: Account
) -> None:
    formula = '=HYPERLINK("http://example.org","x")'
    drifted(services, key_of(wang.id), title=(formula, "科員"))
    answer = browser.post("/sync/drift.xlsx")
    book = load_workbook(io.BytesIO(answer.data))
    assert book.sheetnames == ["差異"]
    header, row = list(book.worksheets[0].iter_rows())
    assert [cell.value for cell in header][3:6] == ["系統", "欄位", "系統端"]
    cell = next(cell for cell in row if cell.value == formula)
    assert cell.data_type != "f"
    planned_rows = sheet_of(browser.post(f"/sync/runs/{planned(services, system_manager.id, wang)}.xlsx"))
    assert any("HYPERLINK" in str(value) for line in planned_rows for value in line)


def test_a_spreadsheet_is_called_by_its_list_and_day_and_taking_it_is_recorded(
    services: SqlServices, clock: SetClock, browser: FlaskClient, wang: Account, system_manager: Account
) -> None:
    park(services, key_of(wang.id), Code.AD_REFUSED)
    answer = browser.post("/sync/work.xlsx?state=parked")
    year = taipei_date(clock.now()).year - 1911
    assert f"%20{year}-" in answer.headers["Content-Disposition"]
    rows = sheet_of(answer)
    assert len(rows) == 2
    assert "Active Directory" in rows[1]
    record = audited(services, "list.exported")[-1]
    assert (record.object_id, record.new, record.actor_id) == ("sync.work", {"rows": 1}, system_manager.id)


def test_every_list_has_its_spreadsheet(
    services: SqlServices, system_manager: Account, browser: FlaskClient, wang: Account, pair: list[Account]
) -> None:
    held_id = held(services, system_manager.id, pair)
    with services.begin(SYSTEM) as work:
        work.history.record([StepDone(key_of(wang.id), "set_fields", ("title", "mail"), destructive=False)])
    browser.post("/sync/targets/ad/compare")
    for path, lines in (
        ("/sync/runs.xlsx", 1),
        ("/sync/held.xlsx", 1),
        (f"/sync/held/{held_id}.xlsx", 2),
        (f"/sync/steps/account/{wang.id}/steps.xlsx", 1),
        ("/sync/drift.xlsx", 0),
    ):
        assert len(sheet_of(browser.post(path))) == 1 + lines, path


def test_a_very_long_list_is_cut_and_says_so(
    app: Flask, services: SqlServices, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MOST_ROWS", 200)
    for number in range(120):
        with services.begin(SYSTEM) as work:
            for target in (Target.AD, Target.KEYCLOAK):
                work.outbox.enqueue(OutboxKey(target, Kind.ACCOUNT, str(UUID(int=number))))
    page = browser.post("/sync/work.xlsx").location
    with app.app_context():
        write(page.rpartition("/")[2])
    assert "試算表最多產生這麼多筆" in browser.get(page).text
    rows = sheet_of(browser.get(f"{page}/file"))
    assert len(rows) == 202
    assert "200" in rows[-1][0]
    assert len({(row[0], row[3]) for row in rows[1:-1]}) == 200
