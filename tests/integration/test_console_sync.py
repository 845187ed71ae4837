"""AD 同步管理作業 over HTTP, on a real PostgreSQL: who may, what is seen, what each act does, and the spreadsheets."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from hufu_console.exports.jobs import write
from hufu_console.web import lists, spreadsheet
from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.guard.model import HeldState
from hufu_registry.guard.store import held_change_of
from hufu_registry.kernel.actor import SYSTEM, account_actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import outbox
from hufu_registry.propagation.model import ActionKind
from hufu_registry.sync.model import MISSING, STRAY, Code, ErrorClass, RunCause, RunKind, SignInLock, SignInState
from hufu_registry.sync.model.desired import DirectoryShape, KeycloakShape
from hufu_registry.sync.model.plan import Step
from hufu_registry.sync.store import StepDone, drift_rows, run_of, sign_in_state, target_states
from hufu_registry.sync.use_cases import request_plan
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console, signed_in
from tests.kit.sync_scenes import (
    all_done,
    drifted,
    held,
    is_row,
    key_of,
    official,
    park,
    planned,
    retrying,
    sampled,
)


@pytest.fixture
def app(services: SqlServices, tmp_path: Path) -> Flask:
    return make_console(services, tmp_path)


@pytest.fixture
def system_manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[0], "sysmanager", role=Role.SYSTEM_MANAGER)


@pytest.fixture
def other_system_manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[0], "sysmanager2", role=Role.SYSTEM_MANAGER)


@pytest.fixture
def manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[2], "manager1", role=Role.AGENCY_MANAGER, wide=True)


@pytest.fixture
def wang(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[3], "wangxm")


@pytest.fixture
def pair(services: SqlServices, chain: Sequence[Agency]) -> list[Account]:
    return [official(services, chain[3], name) for name in ("losera", "loserb")]


@pytest.fixture
def browser(app: Flask, services: SqlServices, system_manager: Account) -> FlaskClient:
    """The system manager's; its pages are in Chinese."""
    return signed_in(app, services, system_manager.id)


def row_of(services: SqlServices, key: OutboxKey) -> Any:
    with services.read() as connection:
        return connection.execute(sa.select(outbox).where(is_row(key))).one()


def recorded(services: SqlServices, action: str) -> list[Any]:
    with services.read() as connection:
        return list(connection.execute(sa.select(audit_records).where(audit_records.c.action == action)))


def account_now(services: SqlServices, account: Account) -> Account:
    with services.begin() as work:
        return work.accounts.get(account.id)


def words_of(page: str) -> str:
    """The page's text, its tags left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def sheet_of(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200
    book = load_workbook(io.BytesIO(answer.data))
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


# Rights


def test_a_form_without_its_token_does_nothing(
    app: Flask, services: SqlServices, system_manager: Account, browser: FlaskClient, wang: Account
) -> None:
    browser.post(f"/sync/targets/{Target.AD}/pause", data={"csrf_token": "wrong", "why": "x"})
    with services.read() as connection:
        assert all(state.paused_at is None for state in target_states(connection))


def test_only_system_managers_have_the_entry_in_the_header(
    app: Flask, services: SqlServices, browser: FlaskClient, manager: Account, wang: Account
) -> None:
    park(services, key_of(wang.id), Code.AD_REFUSED)
    assert 'href="/sync"' not in signed_in(app, services, manager.id).get("/").text
    header = browser.get("/").text
    assert re.search(r'href="/sync"[^>]*>\s*AD 同步管理作業\s*<span class="hf-count">1', header)


def test_a_page_that_looks_again_by_itself_keeps_nobody_signed_in(
    services: SqlServices, clock: SetClock, browser: FlaskClient
) -> None:
    for _ in range(3):
        assert browser.get("/sync/now").status_code == 200
        clock.advance(minutes=5)
    gone = browser.get("/sync/now", headers={"HX-Request": "true", "Referer": "http://localhost/sync"})
    assert gone.status_code == 401
    assert gone.headers["HX-Redirect"] == "/sign-in?next=/sync"


# Overview


@pytest.mark.requirement("S1-076", "S3-54")
def test_overview_says_how_each_system_is_and_what_to_do_when_somebody_cannot_sign_in(
    services: SqlServices, clock: SetClock, browser: FlaskClient, wang: Account
) -> None:
    park(services, key_of(wang.id), Code.AD_REFUSED)
    retrying(services, key_of(wang.id, Target.KEYCLOAK), Code.KEYCLOAK_UNREACHABLE)
    with services.begin(SYSTEM) as work:
        work.target_health.seen_well(Target.AD)
        work.target_health.seen_failing(Target.KEYCLOAK, ErrorClass.TRANSIENT, Code.KEYCLOAK_UNREACHABLE)
        work.history.record([StepDone(key_of(wang.id), "delete", (), destructive=True)])
    page = words_of(browser.get("/sync").text)
    for text in (
        "需人工 1",
        "重試 1",
        "沒有回應",
        "目前連不上 Keycloak",
        "1 步（上限 300 步）",
        "運作中；部分需要人工處理",
    ):
        assert text in page, text
    assert "請先確認這裡是否有這個帳號" in page
    assert "帳號同步作業" in page
    assert "需人工 1" in words_of(browser.get("/sync/now").text)


def test_overview_of_an_empty_house_says_why_it_is_empty(
    app: Flask, services: SqlServices, browser: FlaskClient
) -> None:
    with services.engine.begin() as connection:
        connection.execute(sa.delete(outbox))
    assert "各系統都還沒有任何工作" in browser.get("/sync").text


@pytest.mark.requirement("S1-076")
def test_picture_of_the_day_is_drawn_with_its_table(
    services: SqlServices, clock: SetClock, browser: FlaskClient, wang: Account
) -> None:
    now = clock.now().replace(second=0, microsecond=0)
    figures = [(now - timedelta(minutes=ago), ago, 2, 1, 5) for ago in range(3)]
    sampled(services, Target.AD, [*figures, (now - timedelta(hours=30), 999, 0, 0, 0)])
    page = browser.get("/sync").text
    assert 'role="img"' in page
    assert "style=" not in page
    fragment = browser.get(f"/sync/targets/{Target.AD}/picture").text
    assert 'hx-swap-oob="true"' in fragment
    assert "完成 15 筆" in fragment
    assert "999" not in fragment
    assert fragment.count("<tr>") == 49
    rows = sheet_of(browser.post(f"/sync/targets/{Target.AD}/queue.xlsx"))
    assert [row[1:] for row in rows[1:]] == [[2, 2, 1, 5], [1, 2, 1, 5], [0, 2, 1, 5]]


@pytest.mark.requirement("S1-076")
def test_a_system_is_paused_with_a_reason_and_let_go_on_by_hand(
    services: SqlServices, browser: FlaskClient, wang: Account
) -> None:
    assert browser.get("/sync/targets/ad/pause").status_code == 200
    assert browser.post("/sync/targets/ad/pause", data={"why": " "}).status_code == 422
    assert browser.post("/sync/targets/ad/pause", data={"why": "網域控制站維護"}).status_code == 303
    page = browser.get("/sync").text
    assert "人工暫停" in page
    assert "網域控制站維護" in page
    assert "待系統恢復同步後" in browser.get("/sync/work?target=ad").text
    following = browser.get("/sync/work?target=keycloak").text
    assert "待其完成後" in following
    assert "待系統恢復同步後" not in following
    assert "該系統已由管理者暫停同步" in browser.get(f"/accounts/{wang.id}").text
    browser.post("/sync/targets/ad/resume")
    assert "人工暫停" not in browser.get("/sync").text
    assert [one.action for one in (*recorded(services, "target.paused"), *recorded(services, "target.resumed"))]


@pytest.mark.requirement("S3-55")
def test_account_synchronisation_wants_everybody_of_an_agency_and_shows_how_far_it_is(
    services: SqlServices, browser: FlaskClient, chain: Sequence[Agency], wang: Account, manager: Account
) -> None:
    all_done(services)
    assert browser.get("/sync/resynchronise").status_code == 200
    assert browser.post("/sync/resynchronise", data={}).status_code == 422
    answer = browser.post("/sync/resynchronise", data={"agency_id": chain[2].id})
    assert answer.status_code == 303
    for account in (wang, manager):
        for target in (Target.AD, Target.KEYCLOAK):
            row = row_of(services, key_of(account.id, target))
            assert (row.generation > row.applied_generation, row.bulk) == (True, True)
    run = browser.get(answer.location).text
    assert "<progress" in run
    assert 'hx-trigger="every 2s"' in run
    all_done(services)
    with services.begin(SYSTEM) as work:
        work.runs.settle()
    fragment = browser.get(f"{answer.location}/progress")
    assert fragment.headers["HX-Refresh"] == "true"
    assert "已結束" in browser.get(answer.location).text


def test_comparing_now_leads_to_its_run(services: SqlServices, browser: FlaskClient) -> None:
    answer = browser.post("/sync/targets/ad/compare")
    run_id = UUID(answer.location.rpartition("/")[2])
    with services.read() as connection:
        run = run_of(connection, run_id)
    assert (run.kind, run.target, run.cause) == (RunKind.COMPARISON, Target.AD, RunCause.ASKED)
    assert "全面比對" in browser.get(answer.location).text
    assert browser.get("/sync/runs").text.count("全面比對") == 1


# Work


@pytest.mark.requirement("S1-076")
def test_work_is_filtered_searched_and_explained(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    all_done(services)
    park(services, key_of(wang.id), Code.PROTECTED_IN_AD)
    retrying(services, key_of(wang.id, Target.KEYCLOAK), Code.KEYCLOAK_TIMEOUT)
    page = browser.get("/sync/work").text
    assert "受 Active Directory 特別保護" in page
    assert "Keycloak 逾時未回應" in page
    assert "測試院 › 測試部 › 測試署 › 測試隊" in page
    assert "Keycloak 逾時未回應" not in browser.get("/sync/work?state=parked").text
    assert "特別保護" not in browser.get("/sync/work?target=keycloak").text
    assert browser.get("/sync/work?target=nothing&state=nothing&page=-1").status_code == 200
    found = browser.post("/sync/work/search", data={"words": "wangxm", "target": "ad"})
    assert "wangxm" not in found.location
    assert "特別保護" in browser.get(found.location).text
    nobody = browser.post("/sync/work/search", data={"words": "nobody"})
    assert "沒有符合條件的工作" in browser.get(nobody.location).text


@pytest.mark.requirement("S1-076")
def test_a_parked_row_is_tried_again_by_hand(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    key = key_of(wang.id)
    park(services, key, Code.AD_REFUSED)
    at = f"/sync/work/ad/account/{wang.id}"
    page = browser.get(at).text
    assert "立即重試" in page
    assert "系統拒絕了這一筆" in page
    assert browser.post(f"{at}/retry").status_code == 303
    row = row_of(services, key)
    assert (row.parked_at, row.error, row.attempts) == (None, None, 0)
    assert recorded(services, "work.retried")


def test_picked_rows_are_tried_again_together_and_nonsense_is_passed_over(
    app: Flask, services: SqlServices, browser: FlaskClient, wang: Account, manager: Account
) -> None:
    keys = [key_of(wang.id), key_of(manager.id)]
    for key in keys:
        park(services, key, Code.AD_REFUSED)
    picked = [f"ad account {one.id}" for one in (wang, manager)]
    data = {"pick": [*picked, "ad account nobody", "nonsense", "moon account 1", ""], "state": "parked"}
    answer = browser.post("/sync/work/retry", data=data)
    assert answer.location == "/sync/work?state=parked"
    assert "已立即重試 2 筆" in browser.get(answer.location).text
    assert [row_of(services, key).parked_at for key in keys] == [None, None]
    assert "沒有勾選任何一筆" in browser.post("/sync/work/retry", follow_redirects=True).text


@pytest.mark.requirement("S1-076")
def test_work_is_dropped_with_a_reason(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    key, at = key_of(wang.id), f"/sync/work/ad/account/{wang.id}"
    park(services, key, Code.AD_REFUSED_VALUE)
    assert browser.get(f"{at}/drop").status_code == 200
    assert browser.post(f"{at}/drop", data={"why": ""}).status_code == 422
    assert browser.post(f"{at}/drop", data={"why": "已離職"}).status_code == 303
    row = row_of(services, key)
    assert row.generation == row.applied_generation
    assert recorded(services, "work.dropped")[-1].new["why"] == "已離職"
    for answer in (browser.get(at), browser.post(f"{at}/retry"), browser.get(f"{at}/drop")):
        assert (answer.status_code, answer.location) == (303, "/sync/work")
    assert "這項工作已經完成或放棄" in browser.get("/sync/work").text


@pytest.mark.requirement("S1-076")
def test_what_is_gone_is_made_again_only_by_hand(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    key, at = key_of(wang.id), f"/sync/work/ad/account/{wang.id}"
    park(services, key, Code.GONE_IN_AD, ErrorClass.GONE)
    page = browser.get(at).text
    assert "重新建立" in page
    assert "立即重試" not in page
    assert browser.post(f"{at}/make-again").status_code == 303
    assert recorded(services, "work.made_again")
    assert row_of(services, key).generation > row_of(services, key).applied_generation


@pytest.mark.parametrize(
    "path",
    [
        "/sync/work/moon/account/1",
        "/sync/work/ad/account/" + "x" * 200,
        "/sync/runs/00000000-0000-0000-0000-000000000000",
        "/sync/held/00000000-0000-0000-0000-000000000000",
    ],
)
def test_what_is_not_there_is_not_found(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("place", ["runs", "held"])
def test_what_is_not_there_has_no_spreadsheet(browser: FlaskClient, place: str) -> None:
    assert browser.post(f"/sync/{place}/00000000-0000-0000-0000-000000000000.xlsx").status_code == 404


# Differences


@pytest.mark.requirement("S1-076")
def test_a_difference_is_shown_with_both_values_and_accepted(
    services: SqlServices, browser: FlaskClient, wang: Account
) -> None:
    drifted(services, key_of(wang.id), title=("科長", "科員"), telephoneNumber=("02-1", "02-81234567"))
    page = browser.get("/sync/drift").text
    assert "科長" in page
    assert "科員" in page
    at = f"/sync/drift/ad/account/{wang.id}/title"
    assert "採用，更新登錄資料" in browser.get(at).text
    assert browser.post(f"{at}/accept").status_code == 303
    assert account_now(services, wang).profile.title == "科長"
    for answer in (browser.get(at), browser.post(f"{at}/accept"), browser.post(f"{at}/overwrite")):
        assert (answer.status_code, answer.location) == (303, "/sync/drift")
    assert "這項差異已經不存在" in browser.get("/sync/drift").text
    assert browser.post(f"/sync/drift/ad/account/{wang.id}/telephoneNumber/accept").status_code == 422


@pytest.mark.requirement("S1-076")
def test_a_difference_is_overwritten(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    all_done(services)
    drifted(services, key_of(wang.id), title=("科長", "科員"))
    assert browser.post(f"/sync/drift/ad/account/{wang.id}/title/overwrite").status_code == 303
    row = row_of(services, key_of(wang.id))
    assert row.generation > row.applied_generation
    assert account_now(services, wang).profile.title == "科員"


@pytest.mark.requirement("S1-076")
def test_a_difference_is_ignored_until_a_day(
    services: SqlServices, clock: SetClock, browser: FlaskClient, wang: Account
) -> None:
    drifted(services, key_of(wang.id), title=("科長", "科員"))
    at = f"/sync/drift/ad/account/{wang.id}/title"
    until = taipei_date(clock.now()) + timedelta(days=10)
    for bad in ("", "soon", "115-02-30", "110-01-01", "199-01-01"):
        assert browser.post(at, data={"until": bad}).status_code == 422, bad
    roc = f"{until.year - 1911}-{until.month:02d}-{until.day:02d}"
    assert browser.post(at, data={"until": roc}).status_code == 303
    assert "科長" not in browser.get("/sync/drift").text
    assert "科長" in browser.get("/sync/drift?ignored=yes").text
    assert browser.post(f"{at}/list-again").status_code == 303
    assert "科長" in browser.get("/sync/drift").text
    assert recorded(services, "drift.listed_again")
    assert browser.post(at, data={"until": roc}).status_code == 303
    clock.advance(days=11)
    with services.read() as connection:
        assert drift_rows(connection, services.keys, Page(), now=clock.now()).total == 1


def test_what_nobody_here_knows_can_only_be_left(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    stranger = str(uuid4())
    drifted(services, OutboxKey(Target.AD, Kind.ACCOUNT, stranger), **{STRAY: ("CN=x", "")})
    at = f"/sync/drift/ad/account/{stranger}/{STRAY}"
    page = browser.get(at).text
    assert "採用，更新登錄資料" not in page
    assert "覆寫系統端" not in page
    assert browser.post(f"{at}/overwrite").status_code == 409
    drifted(services, key_of(wang.id), **{MISSING: ("", "wangxm")})
    assert "會在系統端重新建立" in browser.get(f"/sync/drift/ad/account/{wang.id}/{MISSING}").text


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
    assert "沒有保留的異動" in browser.get("/sync/held").text
    assert "誤植" in browser.get(f"/sync/held/{held_id}").text
    assert "已捨棄" in browser.get("/sync/held?state=cancelled").text


def test_every_field_has_a_word(app: Flask) -> None:
    with app.test_request_context("/?language=zh_Hant_TW"):
        for shape in (DirectoryShape(""), KeycloakShape(with_directory=False)):
            for name in frozenset().union(*shape.fields.values()):
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
        "1 個物件會停用、移動或刪除", "停用", "刪除", "寫入資料", "科員", "維持現狀", "有 1 個欄位維持現狀", "不變；登錄資料為：2",
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
    "data", [{"account_name": "nobody1"}, {"account_name": "wangxm", "agency_id": "1"}, {"account_name": "<b>"}]
)
def test_a_plan_of_nobody_or_of_two_things_is_not_asked_for(
    browser: FlaskClient, wang: Account, data: dict[str, str]
) -> None:
    assert browser.post("/sync/plans/new", data=data).status_code == 422


# Spreadsheets


@pytest.mark.requirement("S1-076")
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
    record = recorded(services, "list.exported")[-1]
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
    rows = sheet_of(browser.get(f"{page}/file"))
    assert len(rows) == 202
    assert "200" in rows[-1][0]
    assert len({(row[0], row[3]) for row in rows[1:-1]}) == 200


# The account's page


@pytest.mark.requirement("S1-114", "S1-132")
def test_a_locked_sign_in_is_seen_and_unlocked(
    app: Flask, services: SqlServices, clock: SetClock, manager: Account, wang: Account
) -> None:
    browser = signed_in(app, services, manager.id)
    assert "正常使用中" in browser.get(f"/accounts/{wang.id}").text
    with services.begin(SYSTEM) as work:
        work.sign_in_locks.lock(wang.id, SignInLock(Target.AD, clock.now(), clock.now() + timedelta(minutes=30)))
        work.sign_in_locks.lock(wang.id, SignInLock(Target.KEYCLOAK, clock.now(), None))
    page = browser.get(f"/accounts/{wang.id}").text
    assert "鎖定" in page
    assert "須由人工解除" in page
    assert browser.post(f"/accounts/{wang.id}/unlock").status_code == 303
    with services.read() as connection:
        assert sign_in_state(connection, wang.id, clock.now())[0] is SignInState.NORMAL
    with services.begin() as work:
        waiting = [
            act.kind for target in (Target.AD, Target.KEYCLOAK) for act in work.actions.waiting([wang.id], target)
        ]
    assert waiting.count(ActionKind.UNLOCK) == 2


def test_an_account_is_disabled_restored_and_deleted_by_its_manager(
    app: Flask, services: SqlServices, clock: SetClock, manager: Account, wang: Account
) -> None:
    browser, at = signed_in(app, services, manager.id), f"/accounts/{wang.id}"
    assert browser.get(f"{at}/disable").status_code == 200
    assert browser.post(f"{at}/disable", data={"why": "", "reason": " "}).status_code == 422
    assert browser.post(f"{at}/disable", data={"why": "nonsense", "reason": "x"}).status_code == 422
    assert browser.post(f"{at}/disable", data={"why": "", "reason": "離職"}).status_code == 303
    assert account_now(services, wang).state is AccountState.DISABLED
    assert "離職" in browser.get(at).text
    assert browser.post(f"{at}/disable", data={"why": "", "reason": "again"}).status_code == 422
    assert wang.mailbox in browser.get(f"{at}/restore").text
    assert browser.post(f"{at}/restore", data={"reason": "回任"}).status_code == 303
    assert account_now(services, wang).state is AccountState.NOT_ACTIVATED
    browser.post(f"{at}/disable", data={"why": "security"})
    assert account_now(services, wang).state_reason == "security"
    assert "資安理由" in browser.get(at).text
    gone = taipei_date(clock.now() + services.policy.deletion_wait)
    assert f"民國 {gone.year - 1911} 年 {gone.month} 月 {gone.day} 日" in browser.get(f"{at}/delete").text
    assert browser.post(f"{at}/delete", data={"reason": "離職滿一年"}).status_code == 303
    assert account_now(services, wang).state is AccountState.DELETED
    page = browser.get(at).text
    assert f"{at}/restore" not in page
    assert f"{at}/edit" not in page


def test_a_new_password_is_required_at_the_next_sign_in(
    app: Flask, services: SqlServices, manager: Account, wang: Account
) -> None:
    browser = signed_in(app, services, manager.id)
    assert browser.get(f"/accounts/{wang.id}/require-password-change").status_code == 200
    assert browser.post(f"/accounts/{wang.id}/require-password-change").status_code == 303
    with services.begin() as work:
        assert ActionKind.MUST_CHANGE in [act.kind for act in work.actions.waiting([wang.id], Target.AD)]


def test_acts_outside_the_scope_are_not_found(
    app: Flask, services: SqlServices, chain: Sequence[Agency], wang: Account
) -> None:
    elsewhere = official(services, chain[1], "manager2", role=Role.AGENCY_MANAGER)
    for asker in (elsewhere, official(services, chain[3], "plain01")):
        browser = signed_in(app, services, asker.id)
        for act in ("disable", "restore", "delete", "require-password-change"):
            assert browser.get(f"/accounts/{wang.id}/{act}").status_code == 404
            assert browser.post(f"/accounts/{wang.id}/{act}", data={"reason": "x"}).status_code == 404
        assert browser.post(f"/accounts/{wang.id}/unlock").status_code == 404
    assert account_now(services, wang).state is AccountState.ENABLED


def test_the_last_manager_is_not_disabled_but_for_security(
    app: Flask, services: SqlServices, browser: FlaskClient, manager: Account
) -> None:
    at = f"/accounts/{manager.id}/disable"
    refused = browser.post(at, data={"why": "", "reason": "離職"})
    assert refused.status_code == 422
    assert "最後一位管理者" in refused.text
    assert browser.post(at, data={"why": "security"}).status_code == 303


def test_an_account_is_transferred_by_a_system_manager(
    services: SqlServices, browser: FlaskClient, chain: Sequence[Agency], wang: Account
) -> None:
    at = f"/accounts/{wang.id}/transfer"
    assert browser.get(at).status_code == 200
    assert browser.post(at, data={}).status_code == 422
    assert browser.post(at, data={"agency_id": "999999"}).status_code == 404
    assert browser.post(at, data={"agency_id": str(chain[2].id)}).status_code == 303
    assert account_now(services, wang).agency_id == chain[2].id


@pytest.mark.requirement("S1-076")
def test_an_accounts_own_story_tells_each_step_in_each_system(
    app: Flask, services: SqlServices, manager: Account, wang: Account, browser: FlaskClient
) -> None:
    with services.begin(SYSTEM) as work:
        for number in range(25):
            step = StepDone(key_of(wang.id), "set_fields", ("title",), destructive=False)
            work.history.record([step] if number else [StepDone(key_of(wang.id), "create", (), destructive=False)])
    page = signed_in(app, services, manager.id).get(f"/accounts/{wang.id}").text
    assert "25 個步驟" in page
    assert "寫入資料" in page
    assert "/sync/steps/" not in page
    assert "建立" in browser.get(f"/accounts/{wang.id}?page=2").text
    assert f"/sync/steps/account/{wang.id}/steps.xlsx" in browser.get(f"/accounts/{wang.id}").text
    assert "25 個步驟" in browser.get(f"/sync/steps/account/{wang.id}").text


def test_my_account_says_that_i_am_a_public_servant(app: Flask, services: SqlServices, wang: Account) -> None:
    page = words_of(signed_in(app, services, wang.id).get("/me").text)
    assert "帳號身份 公務人員" in page
    assert "正常使用中" in page


# Agencies


@pytest.fixture
def crowd(services: SqlServices, chain: Sequence[Agency]) -> list[Account]:
    return [official(services, chain[3], f"crowd{number:02}") for number in range(8)]


def test_renaming_an_agency_of_many_asks_first_and_names_them(
    services: SqlServices, browser: FlaskClient, chain: Sequence[Agency], crowd: list[Account]
) -> None:
    at, today = chain[3], f"{taipei_date(services.clock.now()):%Y-%m-%d}"
    form = {"version": str(at.version), "name": "測試大隊", "since": today}
    asked = browser.post(f"/agencies/{at.id}/rename", data=form)
    assert asked.status_code == 200
    assert "繼續：影響 8 個帳號" in asked.text
    assert "crowd00" in asked.text
    hidden = dict(
        re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text.partition('class="hf-box"')[0])
    )
    hidden = {name: value for name, value in hidden.items() if name != "csrf_token"}
    assert hidden == form | {"confirmed": "8"}
    done = browser.post(f"/agencies/{at.id}/rename", data=hidden)
    assert done.status_code == 303
    with services.begin() as work:
        assert work.agencies.get(at.id).name == "測試大隊"
    assert "整批執行" in browser.get(done.location).text


def test_moving_more_than_one_person_may_leads_to_the_held_set(
    app: Flask,
    services: SqlServices,
    tmp_path: Path,
    system_manager: Account,
    chain: Sequence[Agency],
    crowd: list[Account],
) -> None:
    strict = make_console(replace(services, policy=replace(services.policy, guard_most=5)), tmp_path)
    browser = signed_in(strict, services, system_manager.id)
    at, today = chain[3], f"{taipei_date(services.clock.now()):%Y-%m-%d}"
    form = {"version": str(at.version), "parent_id": str(chain[1].id), "since": today}
    answer = browser.post(f"/agencies/{at.id}/move/review", data=form)
    assert "/sync/held/" in answer.location
    page = browser.get(answer.location).text
    assert "已保留等候系統管理者放行" in page
    assert "crowd00" in page
    with services.begin() as work:
        assert work.agencies.get(at.id).parent_id == chain[2].id


def test_an_agency_is_merged_into_its_successor(
    services: SqlServices, browser: FlaskClient, chain: Sequence[Agency], wang: Account
) -> None:
    at, today = chain[3], f"{taipei_date(services.clock.now()):%Y-%m-%d}"
    assert browser.get(f"/agencies/{at.id}/merge").status_code == 200
    form = {"version": str(at.version), "on": today}
    assert browser.post(f"/agencies/{at.id}/merge", data=form).status_code == 422
    itself = browser.post(f"/agencies/{at.id}/merge", data=form | {"agency_id": str(at.id)})
    assert itself.status_code == 422
    assert "不能整併到自己" in itself.text
    merged = browser.post(f"/agencies/{at.id}/merge", data=form | {"agency_id": str(chain[2].id)})
    assert merged.status_code == 303
    assert account_now(services, wang).agency_id == chain[2].id
    assert chain[2].full_name in browser.get(f"/agencies/{at.id}").text
