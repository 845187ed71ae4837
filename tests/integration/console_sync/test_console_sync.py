"""AD 同步管理作業 over HTTP, on a real PostgreSQL: who may, the overview, the waiting work, and the differences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.model import MISSING, STRAY, Code, ErrorClass, RunCause, RunKind
from hufu_registry.sync.store import StepDone, drift_rows, run_of, target_states
from tests.kit.clocks import SetClock
from tests.kit.consoles import account_now, audited, sheet_of, signed_in, words_of
from tests.kit.sync_scenes import (
    all_done,
    drifted,
    is_row,
    key_of,
    park,
    retrying,
    sampled,
)


def row_of(services: SqlServices, key: OutboxKey) -> Any:
    with services.read() as connection:
        return connection.execute(sa.select(outbox).where(is_row(key))).one()


# Rights


def test_a_form_without_its_token_does_nothing(
    app: Flask, services: SqlServices, system_manager: Account, browser: FlaskClient, wang: Account
) -> None:
    browser.post(f"/sync/targets/{Target.AD}/pause", data={"csrf_token": "wrong", "why": "x"})
    with services.read() as connection:
        assert all(state.paused_at is None for state in target_states(connection))


def test_only_system_managers_have_the_entry_and_what_needs_a_person_on_the_first_page(
    app: Flask, services: SqlServices, browser: FlaskClient, manager: Account, wang: Account
) -> None:
    park(services, key_of(wang.id), Code.AD_REFUSED)
    assert 'href="/sync"' not in signed_in(app, services, manager.id).get("/").text
    page = browser.get("/").text
    assert re.search(r'href="/sync"[^>]*>\s*AD 同步管理作業', page)
    assert re.search(r'state=parked">待處理</a>\s*</h3>\s*<p class="hf-big num">1</p>', page)


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
        "需要人工處理的工作 1 筆",
        "他人變更造成的差異 0 項",
        "待放行異動 0 組",
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
    # What comes after the directory waits with it, but for what must not.
    assert "在 Keycloak 也會一起等候" in browser.get("/sync/targets/ad/pause").text
    assert "在 Keycloak 也會一起等候" not in browser.get("/sync/targets/keycloak/pause").text
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
    assert [one.action for one in (*audited(services, "target.paused"), *audited(services, "target.resumed"))]


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
    assert audited(services, "work.retried")


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
    assert audited(services, "work.dropped")[-1].new["why"] == "已離職"
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
    assert audited(services, "work.made_again")
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
    assert "採用，更新主檔資料" in browser.get(at).text
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
    assert audited(services, "drift.listed_again")
    assert browser.post(at, data={"until": roc}).status_code == 303
    clock.advance(days=11)
    with services.read() as connection:
        assert drift_rows(connection, services.keys, Page(), now=clock.now()).total == 1


def test_what_nobody_here_knows_can_only_be_left(services: SqlServices, browser: FlaskClient, wang: Account) -> None:
    stranger = str(uuid4())
    drifted(services, OutboxKey(Target.AD, Kind.ACCOUNT, stranger), **{STRAY: ("CN=x", "")})
    at = f"/sync/drift/ad/account/{stranger}/{STRAY}"
    page = browser.get(at).text
    assert "採用，更新主檔資料" not in page
    assert "覆寫系統端" not in page
    assert browser.post(f"{at}/overwrite").status_code == 409
    drifted(services, key_of(wang.id), **{MISSING: ("", "wangxm")})
    assert "會在系統端重新建立" in browser.get(f"/sync/drift/ad/account/{wang.id}/{MISSING}").text
