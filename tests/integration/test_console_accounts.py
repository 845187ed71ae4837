"""An official's data are mended in the console, and what follows is asked for, on a real PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask

from hufu_registry.accounts.model import Account
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.use_cases import delete_account, disable_account
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.store import agencies
from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.audit.store import timeline
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import outbox
from hufu_registry.rights.use_cases import appoint_manager
from hufu_registry.sync.model import Code, SignIn
from hufu_registry.sync.store import StepDone
from tests.kit.accounts import official
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console, signed_in, words_of
from tests.kit.staff import crowd
from tests.kit.sync_scenes import all_done, drifted, key_of, park, set_row, stands

FORM = {
    "version": "2",
    "name": "王小明",
    "title": "專員",
    "unit_name": "",
    "phone": "02-81234567",
    "extension": "12",
    "mobile": "0912-345-678",
    "official_mail": "",
}


@pytest.fixture
def wang(services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> AccountId:
    return official(services, chain[2], "wangxm").id


@pytest.fixture
def manager(services: SqlServices, clock: SetClock, chain: Sequence[Agency]) -> AccountId:
    account_id = official(services, chain[2], "manager1").id
    appoint_manager(account_id, chain[2].id, services, OPERATOR)
    return account_id


def wanted(services: SqlServices, account_id: AccountId) -> int:
    with services.read() as connection:
        query = sa.select(sa.func.max(outbox.c.generation)).where(outbox.c.object_id == str(account_id))
        return int(connection.execute(query).scalar_one())


@pytest.mark.requirement("S1-026")
def test_a_manager_mends_an_officials_data_and_the_targets_are_to_follow(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    browser, before = signed_in(app, services, manager), wanted(services, wang)
    page = browser.get(f"/accounts/{wang}/edit")
    assert "科員" in page.text
    answer = browser.post(f"/accounts/{wang}/edit", data=FORM)
    assert answer.status_code == 303
    with services.begin() as work:
        profile = work.accounts.get(wang).profile
        last = timeline(work.connection, "account", str(wang)).rows[-1]
    assert (profile.title, profile.extension, profile.mobile) == ("專員", "12", "0912345678")
    assert wanted(services, wang) == before + 1
    assert last.action == "account.changed"
    assert (last.old, last.new) == ({"title": "科員", "extension": ""}, {"title": "專員", "extension": "12"})


def test_saving_what_stands_already_changes_nothing(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    browser, before = signed_in(app, services, manager), wanted(services, wang)
    assert browser.post(f"/accounts/{wang}/edit", data=FORM | {"title": "科員", "extension": ""}).status_code == 303
    assert wanted(services, wang) == before


def test_a_deleted_account_is_not_put_right(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    """Its page does not offer that; who sends it all the same is refused."""
    disable_account(wang, services, SYSTEM, reason="離職")
    delete_account(wang, services, SYSTEM, reason="離職")
    browser, before = signed_in(app, services, manager), wanted(services, wang)
    assert f"/accounts/{wang}/sync" not in browser.get(f"/accounts/{wang}").text
    assert browser.post(f"/accounts/{wang}/sync").status_code == 409
    assert wanted(services, wang) == before


def test_bad_data_are_named_and_nothing_typed_is_lost(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    answer = signed_in(app, services, manager).post(f"/accounts/{wang}/edit", data=FORM | {"mobile": "12", "title": ""})
    assert answer.status_code == 422
    assert 'value="02-81234567"' in answer.text
    assert answer.text.count("is-invalid") == 2


def test_an_older_page_does_not_overwrite_a_newer_change(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    browser = signed_in(app, services, manager)
    browser.post(f"/accounts/{wang}/edit", data=FORM)
    assert browser.post(f"/accounts/{wang}/edit", data=FORM | {"title": "技正"}).status_code == 409
    with services.begin() as work:
        assert work.accounts.get(wang).profile.title == "專員"


def test_a_unit_of_the_registry_is_taken_by_its_name(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId, chain: Sequence[Agency]
) -> None:
    unit = add_unit(AddUnit(chain[2].id, "資訊室"), services, OPERATOR)
    signed_in(app, services, manager).post(f"/accounts/{wang}/edit", data=FORM | {"unit_name": "資訊室"})
    with services.begin() as work:
        assert work.accounts.get(wang).profile.unit_id == unit.id


def test_a_unit_is_known_among_more_agencies_than_a_page_holds(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId, chain: Sequence[Agency]
) -> None:
    crowd(services, chain[2])
    unit = add_unit(AddUnit(chain[2].id, "資訊室"), services, OPERATOR)
    browser = signed_in(app, services, manager)
    assert '<option value="資訊室">' in browser.get(f"/accounts/{wang}/edit").text
    browser.post(f"/accounts/{wang}/edit", data=FORM | {"unit_name": "資訊室"})
    browser.post(f"/accounts/{wang}/edit", data=FORM | {"unit_name": "資訊室", "version": "3", "title": "技正"})
    with services.begin() as work:
        profile = work.accounts.get(wang).profile
    assert (profile.unit_id, profile.title) == (unit.id, "技正")


@pytest.mark.parametrize("closed", [False, True], ids=["of two of its name", "of one that ends"])
def test_a_unit_stays_who_else_is_called_so_and_whatever_else_is_mended(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId, chain: Sequence[Agency], closed: bool
) -> None:
    above = add_unit(AddUnit(chain[2].id, "第一組"), services, OPERATOR)
    add_unit(AddUnit(chain[2].id, "資訊室"), services, OPERATOR)
    unit = add_unit(AddUnit(above.id, "資訊室"), services, OPERATOR)
    with services.begin() as work:
        account = work.accounts.get(wang, lock=True)
        work.accounts.save(replace(account, profile=replace(account.profile, unit_id=unit.id, unit_name="資訊室")))
        if closed:
            work.connection.execute(
                sa.update(agencies).where(agencies.c.id == unit.id).values(closed_on=taipei_date(work.now))
            )
        version = work.accounts.get(wang).version
    changed = FORM | {"unit_name": "資訊室", "version": str(version), "title": "技正"}
    assert signed_in(app, services, manager).post(f"/accounts/{wang}/edit", data=changed).status_code == 303
    with services.begin() as work:
        profile = work.accounts.get(wang).profile
    assert (profile.unit_id, profile.title) == (unit.id, "技正")


def test_an_account_outside_the_scope_is_not_found_by_reading_or_writing(
    app: Flask, services: SqlServices, clock: SetClock, wang: AccountId, chain: Sequence[Agency]
) -> None:
    elsewhere = official(services, chain[3], "manager2").id
    appoint_manager(elsewhere, chain[3].id, services, OPERATOR)
    for stranger in (elsewhere, official(services, chain[2], "plain1").id):
        browser = signed_in(app, services, stranger)
        assert browser.get(f"/accounts/{wang}/edit").status_code == 404
        assert browser.post(f"/accounts/{wang}/edit", data=FORM).status_code == 404


def test_a_deleted_account_offers_nothing_to_do(
    app: Flask, services: SqlServices, wang: AccountId, manager: AccountId
) -> None:
    page = f"/accounts/{wang}"
    browser = signed_in(app, services, manager)
    assert "立即同步" in browser.get(page).text
    disable_account(wang, services, SYSTEM, reason="離職")
    delete_account(wang, services, SYSTEM, reason="離職")
    assert "立即同步" not in browser.get(page).text


@pytest.mark.requirement("S0-20")
@pytest.mark.parametrize(("kind", "identity"), [("personal", "公務人員"), ("shared", "機關及資訊系統帳號")])
def test_my_account_says_which_identity_it_has(
    app: Flask, services: SqlServices, wang: AccountId, kind: str, identity: str
) -> None:
    with services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(accounts).where(accounts.c.id == wang).values(kind=kind))
    assert identity in signed_in(app, services, wang).get("/me").text.split("身份", 1)[1][:200]


def test_what_is_missing_is_told_so_and_an_error_names_its_field_once(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    browser = signed_in(app, services, manager)
    page = browser.post(f"/accounts/{wang}/edit", data=FORM | {"phone": "", "mobile": " "}).text
    assert page.count("這一欄必須填寫") == 4
    assert "十位數字" in page
    named = browser.post(f"/accounts/{wang}/edit", data=FORM | {"name": "王\u202e明"}).text
    assert "「姓名」中有" in named
    assert "姓名：「姓名」" not in named


def test_an_account_that_the_directory_keeps_out_says_so_in_words(
    app: Flask, services: SqlServices, chain: Sequence[Agency], system_manager: Account, clock: SetClock
) -> None:
    """Whatever was entered, it is refused there; what only lets others in is told with a milder sign."""
    wang, chen = official(services, chain[1], "wangxm"), official(services, chain[1], "chendw")
    manager = official(services, chain[1], "manager1", role=Role.AGENCY_MANAGER)
    for one in (wang, chen):
        stands(services, key_of(one.id))
    drifted(services, key_of(wang.id), signInBars=("smartcard_required expires=2026-01-01", ""))
    drifted(services, key_of(chen.id), signInBars=("password_not_required expires=2099-12-31", ""))
    page = words_of(signed_in(app, services, manager.id).get(f"/accounts/{wang.id}").text)
    for text in (
        "AD 拒絕登入",
        "不讓這個帳號登入",
        "要求使用智慧卡",
        "到期日：民國 115 年 1 月 1 日",
        "系統管理者可以改正",
    ):
        assert text in page, text
    assert "正常使用中" not in page
    page = words_of(signed_in(app, services, manager.id).get(f"/accounts/{chen.id}").text)
    for text in ("正常使用中", "有人在 Active Directory 改了這個帳號的登入設定", "在那裡不需要密碼"):
        assert text in page, text
    mine = signed_in(app, services, system_manager.id)
    assert f"/sync/drift/ad/account/{wang.id}/signInBars" in mine.get(f"/accounts/{wang.id}").text
    listed = words_of(mine.get("/sync/drift").text)
    assert "要求使用智慧卡、" in listed
    assert "smartcard_required" not in listed


def test_what_is_saved_while_a_system_is_paused_says_that_it_waits(
    app: Flask, services: SqlServices, manager: AccountId, wang: AccountId
) -> None:
    browser = signed_in(app, services, manager)
    for target in (Target.AD, Target.KEYCLOAK):
        stands(services, key_of(wang, target))
    all_done(services)
    page = words_of(browser.get(f"/accounts/{wang}").text)
    assert page.count("與主檔資料一致") == 2
    assert "等候同步" not in page
    with services.begin(SYSTEM) as work:
        work.administration.pause(Target.AD, "維護", None)
    for act in ("edit", "disable", "suspend"):
        page = words_of(browser.get(f"/accounts/{wang}/{act}").text)
        assert "已由人工暫停：Active Directory" in page
        assert "幾秒內" not in page
    page = words_of(browser.post(f"/accounts/{wang}/edit", data=FORM, follow_redirects=True).text)
    assert "已由人工暫停：Active Directory" in page
    assert "隨即更新" not in page
    assert "與主檔資料一致" not in page
    assert page.count("等候同步") == 2
    assert page.count("這個系統已由人工暫停") == 1
    # Whoever is disabled is out of Keycloak at once, whatever waits for the directory.
    browser.post(f"/accounts/{wang}/disable", data={"reason": "離職"})
    page = words_of(browser.get(f"/accounts/{wang}").text)
    assert "已由人工暫停：" not in page


def test_what_was_done_comes_with_the_progress(app: Flask, services: SqlServices, chain: Sequence[Agency]) -> None:
    wang = official(services, chain[1], "wangxm")
    browser = signed_in(app, services, official(services, chain[1], "manager1", role=Role.AGENCY_MANAGER).id)
    page = browser.get(f"/accounts/{wang.id}").text
    (again,) = re.findall(r'hx-get="(/accounts/[^"]+/progress[^"]*)"', page)
    with services.begin(SYSTEM) as work:
        work.history.record([StepDone(key_of(wang.id), "disable", ("@enabled",), destructive=True)])
    fragment = browser.get(again.replace("&amp;", "&")).text
    assert re.search(r'<div id="log"\s+hx-swap-oob="true"', fragment)
    assert "停用" in words_of(fragment)
    assert 'id="log"' not in browser.get(f"/accounts/{wang.id}/progress").text


def test_a_refused_value_is_named_and_its_field_is_a_click_away(
    app: Flask, services: SqlServices, chain: Sequence[Agency]
) -> None:
    wang = official(services, chain[1], "wangxm")
    manager = official(services, chain[1], "manager1", role=Role.AGENCY_MANAGER)
    park(services, key_of(wang.id, Target.KEYCLOAK), Code.KEYCLOAK_REFUSED)
    set_row(services, key_of(wang.id, Target.KEYCLOAK), error_fields=["email"])
    browser, at = signed_in(app, services, manager.id), f"/accounts/{wang.id}/mailbox"
    page = browser.get(f"/accounts/{wang.id}").text
    assert "未接受的欄位： 備用信箱" in words_of(page)
    assert page.count(f'href="{at}"') == 2
    assert f'value="{wang.mailbox}"' in browser.get(at).text
    assert browser.post(at, data={"mailbox": "try..this@example.org"}).status_code == 422
    page = words_of(browser.post(at, data={"mailbox": "other@example.org"}, follow_redirects=True).text)
    assert "帳號繼續建立" in page
    assert "備用信箱：w…@example.org → o…@example.org" in page
    assert f'href="{at}"' not in browser.get(f"/accounts/{wang.id}").text
    assert "不能更改" in browser.post(at, data={"mailbox": "third@example.org"}).text
    park(services, key_of(wang.id), Code.AD_REFUSED_VALUE)
    set_row(services, key_of(wang.id), error_fields=["title"])
    page = signed_in(app, services, manager.id).get(f"/accounts/{wang.id}").text
    assert re.search(rf'職稱</strong>\s*\(<a href="/accounts/{wang.id}/edit">', page)


def test_pages_say_who_manages_what(
    app: Flask, services: SqlServices, chain: Sequence[Agency], manager: AccountId, system_manager: Account
) -> None:
    browser = signed_in(app, services, system_manager.id)
    page = browser.get(f"/accounts/{manager}").text
    assert "管理的機關" in page
    assert f'href="/agencies/{chain[2].id}">{chain[2].full_name}' in page
    assert "全系統" in browser.get(f"/accounts/{system_manager.id}").text
    assert "管理的機關" in signed_in(app, services, manager).get("/me").text
    candidates = browser.get(f"/agencies/{chain[2].id}/managers/appoint").text
    assert candidates.count("已是本機關的管理者") == 1


def test_my_sign_ins_say_what_people_call_an_application(
    services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path
) -> None:
    """The console too, from the first day; an application whose name nobody told yet by its id."""
    me = official(services, chain[0], "signer1").id
    with services.begin(SYSTEM) as work:
        work.sign_in_records.keep(
            [
                SignIn(uuid4().hex, me, "LOGIN", client, "192.0.2.1", clock.now())
                for client in ("hufu-console", "documents", "unheard-of")
            ]
        )
        work.sign_in_records.name_clients({"documents": ("公文系統", "Documents")})
    app = make_console(services, tmp_path)
    for language, names in (
        ("zh_Hant_TW", ("公務帳號管理", "公文系統", "unheard-of")),
        ("en", ("Management of official accounts", "Documents", "unheard-of")),
    ):
        page = signed_in(app, services, me, language=language).get("/me").text
        assert [page.count(f">{name}<") for name in names] == [1, 1, 1]
        assert "hufu-console" not in page
