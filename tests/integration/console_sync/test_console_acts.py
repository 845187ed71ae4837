"""What is done with an account or an agency and reaches the targets, over HTTP."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hufu_console.web.moments import moment
from hufu_registry.accounts.model import Account, AccountState, DisableCause
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.propagation.model import ActionKind
from hufu_registry.sync.model import SignInLock, SignInState
from hufu_registry.sync.store import StepDone, sign_in_state
from tests.kit.accounts import official
from tests.kit.clocks import SetClock
from tests.kit.consoles import account_now, make_console, signed_in, words_of
from tests.kit.sync_scenes import (
    key_of,
)

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
    assert browser.post(f"{at}/disable", data={"reason": " "}).status_code == 422
    assert browser.post(f"{at}/disable", data={"reason": "離職"}).status_code == 303
    assert account_now(services, wang).state is AccountState.DISABLED
    assert "離職" in browser.get(at).text
    assert browser.post(f"{at}/disable", data={"reason": "again"}).status_code == 422
    clock.advance(minutes=5)
    assert wang.mailbox in browser.get(f"{at}/restore").text
    assert browser.post(f"{at}/restore", data={"reason": "回任"}).status_code == 303
    assert account_now(services, wang).state is AccountState.NOT_ACTIVATED
    with app.test_request_context():
        approved, restored = moment(wang.approved_at), moment(clock.now())
    page = words_of(browser.get(at).text)
    assert f"核准時間 {approved}" in page
    assert f"復用或重建時間 {restored}" in page
    assert browser.get(f"{at}/suspend").status_code == 200
    assert browser.post(f"{at}/suspend").status_code == 303
    assert account_now(services, wang).state_cause is DisableCause.SECURITY
    assert "資安理由" in browser.get(at).text
    gone = taipei_date(clock.now() + services.policy.deletion_wait)
    assert f"民國 {gone.year - 1911} 年 {gone.month} 月 {gone.day} 日" in browser.get(f"{at}/delete").text
    assert browser.post(f"{at}/delete", data={"reason": "離職滿一年"}).status_code == 303
    assert account_now(services, wang).state is AccountState.DELETED
    page = browser.get(at).text
    assert f"{at}/restore" not in page
    assert f"{at}/edit" not in page


def test_the_accounts_page_tells_who_did_what_and_when_before_the_technical_steps(
    app: Flask, services: SqlServices, chain: Sequence[Agency], manager: Account, wang: Account
) -> None:
    browser, at = signed_in(app, services, manager.id), f"/accounts/{wang.id}"
    official(services, chain[3], "manager9", role=Role.AGENCY_MANAGER)
    form = {
        "version": str(account_now(services, wang).version),
        "name": "王小明",
        "title": "股長",
        "phone": "02-12345678",
        "mobile": "0912345678",
    }
    assert browser.post(f"{at}/edit", data=form).status_code == 303
    assert "正常使用中" in browser.get(at).text
    browser.post(f"{at}/disable", data={"reason": "留職停薪"})
    page = words_of(browser.get(at).text)
    assert "正常使用中" not in page
    record, _, steps = page.partition("處理過程")[2].partition("各系統的同步紀錄")
    assert "職稱：科員 → 股長" in record
    assert "狀態：啟用 → 停用" in record
    assert "原因：留職停薪" in record
    assert record.count(manager.profile.name) == 2
    assert steps


def test_a_name_from_right_to_left_turns_nothing_beside_it_and_comes_back_as_it_was(
    app: Flask, services: SqlServices, chain: Sequence[Agency], manager: Account
) -> None:
    name = "محمد"
    account = official(services, chain[3], "arabic01", name=name)
    browser = signed_in(app, services, manager.id)
    page = browser.get(f"/accounts/{account.id}").text
    assert page.count(name) == page.count(f"\u2068{name}\u2069") > 1
    assert f'value="{name}"' in browser.get(f"/accounts/{account.id}/edit").text


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


def test_the_last_manager_is_not_disabled_whatever_is_typed_but_suspended(
    services: SqlServices, browser: FlaskClient, manager: Account
) -> None:
    at = f"/accounts/{manager.id}"
    for typed in ({"reason": "離職"}, {"reason": "security"}, {"reason": "security", "why": "security"}):
        refused = browser.post(f"{at}/disable", data=typed)
        assert refused.status_code == 422
        assert "最後一位管理者" in refused.text
    assert account_now(services, manager).state is AccountState.ENABLED
    assert browser.post(f"{at}/suspend").status_code == 303
    assert account_now(services, manager).state is AccountState.DISABLED


def test_somebody_with_wider_rights_can_only_be_suspended(
    app: Flask, services: SqlServices, chain: Sequence[Agency], manager: Account
) -> None:
    system_managers = [official(services, chain[3], f"system{one}", role=Role.SYSTEM_MANAGER) for one in range(2)]
    at, browser = f"/accounts/{system_managers[0].id}", signed_in(app, services, manager.id)
    page = browser.get(at).text
    assert f"{at}/suspend" in page
    for act in ("edit", "disable", "restore", "delete", "require-password-change"):
        assert f"{at}/{act}" not in page
        for answer in (browser.get(f"{at}/{act}"), browser.post(f"{at}/{act}", data={"reason": "離職"})):
            assert answer.status_code == 403
            assert "緊急停權" in answer.text
    assert browser.post(f"{at}/resend").status_code == 403
    assert browser.post(f"{at}/unlock").status_code == 403
    assert account_now(services, system_managers[0]).state is AccountState.ENABLED
    assert browser.post(f"{at}/suspend").status_code == 303
    assert account_now(services, system_managers[0]).state is AccountState.DISABLED
    last = browser.post(f"/accounts/{system_managers[1].id}/suspend")
    assert last.status_code == 422
    assert account_now(services, system_managers[1]).state is AccountState.ENABLED


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
    services: SqlServices, wang: Account, browser: FlaskClient
) -> None:
    tell_a_story_of(wang, services)
    page = browser.get(f"/accounts/{wang.id}").text
    assert "25 個步驟" in page
    assert "寫入資料" in page
    assert "建立" in browser.get(f"/accounts/{wang.id}?page=2").text
    assert f"/sync/steps/account/{wang.id}/steps.xlsx" in page
    assert "25 個步驟" in browser.get(f"/sync/steps/account/{wang.id}").text


def test_an_agencys_manager_reads_the_story_and_is_not_led_to_the_engines_pages(
    app: Flask, services: SqlServices, manager: Account, wang: Account
) -> None:
    tell_a_story_of(wang, services)
    page = signed_in(app, services, manager.id).get(f"/accounts/{wang.id}").text
    assert "25 個步驟" in page
    assert "/sync/steps/" not in page


def tell_a_story_of(account: Account, services: SqlServices) -> None:
    with services.begin(SYSTEM) as work:
        for number in range(25):
            step = StepDone(key_of(account.id), "set_fields", ("title",), destructive=False)
            work.history.record([step] if number else [StepDone(key_of(account.id), "create", (), destructive=False)])


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
    assert "已列為待放行異動" in page
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
