"""What goes wrong at people's desks, in a real browser: nothing typed is lost, nothing happens twice, nothing leaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, StorageState, expect

from hufu_registry.cases.engine.model import Case, CaseState
from hufu_registry.cases.types.activation import application_of
from hufu_registry.people.use_cases import mailbox_key
from hufu_stack.demo_people import Resident
from tests.kit.browser.chromium import NewBrowser
from tests.kit.browser.mails import activation_link, awaited, code_in, mails, newest
from tests.kit.browser.pages import (
    activate,
    apply_for_account,
    approve_case,
    enter_one_time_password,
    fill_form,
    go_on,
    open_case,
    prove_mailbox,
    prove_when_possible,
    send_form,
    sign_in,
)
from tests.kit.browser.people import CULTURE_MANAGER, FIRE_MANAGER, SECOND_FIRE_MANAGER, Applicant, Town

SignedIn = Callable[[Resident], StorageState]
APPROVE = "form[action$='/approve'] .btn-primary"


@pytest.fixture(scope="module", autouse=True)
def early(chromium: Browser, town: Town, signed_in: SignedIn) -> tuple[Applicant, Applicant]:
    """Two who applied before all others here, the first approved: soon another code and mail may be sent to them."""
    found = (Applicant(), Applicant())
    for applicant in found:
        with chromium.new_context(locale="zh-TW") as context:
            apply_for_account(context.new_page(), town, applicant)
    with chromium.new_context(locale="zh-TW", storage_state=signed_in(FIRE_MANAGER)) as context:
        page = context.new_page()
        open_case(page, town, found[0])
        approve_case(page)
    return found


def case_of(town: Town, applicant: Applicant) -> Case:
    with town.registry.begin() as work:
        case = work.cases.newest_of_mailbox(mailbox_key(town.registry, applicant.mailbox))
    assert case is not None
    return case


@pytest.mark.requirement("S1-085")
def test_code_that_is_wrong_or_of_another_browser_opens_nothing(town: Town, new_browser: NewBrowser) -> None:
    applicant, page, foreign = Applicant(), new_browser().new_page(), new_browser().new_page()
    before = newest(town.mails)
    page.goto(f"{town.console}/apply")
    page.fill("#mailbox", applicant.mailbox)
    go_on(page)
    code = code_in(awaited(town.mails, applicant.mailbox, after=before))
    page.fill("#code", "000000" if code != "000000" else "111111")
    go_on(page)
    expect(page.locator(".hf-summary-errors")).to_contain_text("驗證碼")
    foreign.goto(f"{town.console}/apply/code")
    foreign.fill("#code", code)
    go_on(foreign)
    assert foreign.url.endswith("/apply/code")
    foreign.goto(f"{town.console}/apply/form")
    expect(foreign.locator("#name")).to_have_count(0)
    page.fill("#code", code)
    go_on(page)
    expect(page.locator("#name")).to_be_visible()


def test_form_sent_twice_is_one_case(town: Town, page: Page) -> None:
    applicant = Applicant()
    prove_mailbox(page, town, "/apply", applicant.mailbox)
    fill_form(page, applicant)
    go_on(page)
    page.check("#consent")
    with page.expect_navigation():
        page.dblclick("main .btn-primary")
    page.wait_for_url("**/apply/receipt/*")
    receipt = page.url
    page.go_back()
    assert page.url == receipt
    awaited(town.mails, applicant.mailbox, holding=str(case_of(town, applicant).number))
    assert len([mail for mail in mails(town.mails, applicant.mailbox) if "案號" in mail["subject"]]) == 1


def test_nothing_typed_is_lost_when_the_form_is_too_old(town: Town, page: Page, new_browser: NewBrowser) -> None:
    """Its token is of another session than the browser's: the form comes back with what was typed, and says so."""
    applicant = Applicant(name="歐陽𠮷")
    prove_mailbox(page, town, "/apply", applicant.mailbox)
    fill_form(page, applicant)
    other = new_browser().new_page()
    other.goto(f"{town.console}/apply")
    token = other.locator("main form [name=csrf_token]").get_attribute("value")
    page.evaluate("token => document.querySelector('main form [name=csrf_token]').value = token", token)
    go_on(page)
    expect(page.locator(".hf-notice.waiting")).to_contain_text("沒有執行")
    expect(page.locator("#name")).to_have_value(applicant.name)
    expect(page.locator("#agency_oid")).to_have_value(applicant.oid)
    expect(page.locator("#reason")).to_have_value(applicant.reason)
    send_form(page)


def test_nothing_typed_is_lost_when_the_managers_session_ends(town: Town, new_browser: NewBrowser) -> None:
    applicant = Applicant()
    apply_for_account(new_browser().new_page(), town, applicant)
    browser, insider = new_browser(), town.insider(SECOND_FIRE_MANAGER)
    page = browser.new_page()
    page.goto(f"{town.console}/cases")
    sign_in(page, insider)
    case = open_case(page, town, applicant)
    page.goto(f"{case}/reject")
    page.fill("#reason", "請補附人事派令，<再>送一次。")
    browser.clear_cookies(name="hufu_session")
    browser.clear_cookies(domain="localhost", name="KEYCLOAK_IDENTITY")
    browser.clear_cookies(domain="localhost", name="KEYCLOAK_SESSION")
    go_on(page, "main .btn-grave")
    if page.locator("#username").count():
        page.fill("#username", insider.username)
        page.fill("#password", insider.password)
        go_on(page, "#kc-login")
        enter_one_time_password(page, insider.authenticator)
    page.wait_for_url(f"{case}/reject*")
    expect(page.locator("#reason")).to_have_value("請補附人事派令，<再>送一次。")
    assert case_of(town, applicant).state is CaseState.PENDING


@pytest.mark.requirement("S1-086")
def test_of_two_managers_one_decides_and_the_other_reads_who_and_when(
    town: Town, new_browser: NewBrowser, signed_in: SignedIn
) -> None:
    applicant = Applicant()
    apply_for_account(new_browser().new_page(), town, applicant)
    first = new_browser(storage_state=signed_in(FIRE_MANAGER)).new_page()
    second = new_browser(storage_state=signed_in(SECOND_FIRE_MANAGER)).new_page()
    for page in (first, second):
        open_case(page, town, applicant)
    approve_case(first)
    go_on(second, APPROVE)
    expect(second.locator("main")).to_contain_text(FIRE_MANAGER.name)
    expect(second.locator("main")).to_contain_text("核准")
    case = case_of(town, applicant)
    assert case.state is CaseState.APPROVED
    with town.registry.begin() as work:
        decider = work.accounts.find_by_name(FIRE_MANAGER.username)
    assert decider is not None
    assert case.decided_by == decider.id


def test_foreign_case_is_not_found_by_any_route(town: Town, new_browser: NewBrowser, signed_in: SignedIn) -> None:
    applicant = Applicant()
    apply_for_account(new_browser().new_page(), town, applicant)
    case = case_of(town, applicant)
    browser = new_browser(storage_state=signed_in(CULTURE_MANAGER))
    page = browser.new_page()
    page.goto(f"{town.console}/cases?state=all")
    expect(page.locator("main")).not_to_contain_text(applicant.account_name)
    token = page.locator("[name=csrf_token]").first.get_attribute("value")
    for path in ("", "/reject"):
        answer = browser.request.get(f"{town.console}/cases/{case.id}{path}")
        assert answer.status == 404
        assert applicant.name not in answer.text()
    for path in ("/approve", "/reject"):
        form: dict[str, Any] = {"csrf_token": str(token), "version": "1", "reason": "不符"}
        answer = browser.request.post(
            f"{town.console}/cases/{case.id}{path}", form=form, headers={"Referer": f"{town.console}/cases"}
        )
        assert answer.status == 404
    assert case_of(town, applicant).state is CaseState.PENDING


def test_long_and_rare_names_and_markup_are_shown_as_they_are(
    town: Town, new_browser: NewBrowser, signed_in: SignedIn
) -> None:
    names = ("長" * 64, "𠮷𡈽𪚥𫝆", "<script>document.title='x'</script>&amp;(cn=*)")
    manager = new_browser(storage_state=signed_in(FIRE_MANAGER)).new_page()
    for name in names:
        applicant, page = Applicant(name=name, title="<b>科員</b>"), new_browser().new_page()
        apply_for_account(page, town, applicant)
        expect(page.locator(".hf-list")).to_contain_text(name)
        open_case(manager, town, applicant)
        expect(manager.locator("h1")).to_contain_text(name)
        expect(manager.locator("main")).to_contain_text("<b>科員</b>")
        manager.set_viewport_size({"width": 360, "height": 740})
        assert manager.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_name_of_more_than_the_allowed_letters_is_refused_at_its_field(town: Town, page: Page) -> None:
    applicant = Applicant(name="長" * 65)
    prove_mailbox(page, town, "/apply", applicant.mailbox)
    fill_form(page, applicant)
    go_on(page)
    expect(page.locator("#name-error")).not_to_be_empty()
    expect(page.locator("#account_name")).to_have_value(applicant.account_name)


@pytest.mark.requirement("S1-087")
def test_applicant_changes_and_withdraws_before_the_decision(
    town: Town, page: Page, early: tuple[Applicant, Applicant]
) -> None:
    applicant = early[1]
    page.goto(f"{town.console}/follow/change")
    expect(page.locator("#title")).to_have_count(0)
    prove_when_possible(page, town, "/follow", applicant)
    page.wait_for_url("**/follow/change")
    page.fill("#title", "專員")
    go_on(page)
    expect(page.locator("main")).to_contain_text("專員")
    assert application_of(case_of(town, applicant)).profile.title == "專員"
    go_on(page, ".hf-head .btn-other")
    go_on(page, "main form button")
    assert case_of(town, applicant).state is CaseState.WITHDRAWN
    expect(page.locator(".hf-head .btn-primary")).to_have_count(0)


@pytest.mark.requirement("S1-086")
def test_rejection_is_mailed_with_its_reason(town: Town, new_browser: NewBrowser, signed_in: SignedIn) -> None:
    applicant = Applicant()
    apply_for_account(new_browser().new_page(), town, applicant)
    page = new_browser(storage_state=signed_in(FIRE_MANAGER)).new_page()
    case = open_case(page, town, applicant)
    page.goto(f"{case}/reject")
    go_on(page, "main .btn-grave")
    expect(page.locator("#reason-error")).not_to_be_empty()
    page.fill("#reason", "請由主辦同仁代為申請。")
    go_on(page, "main .btn-grave")
    assert case_of(town, applicant).state is CaseState.REJECTED
    mail = awaited(town.mails, applicant.mailbox, holding="請由主辦同仁代為申請。")
    assert not any("/login-actions/" in link for link in mail["links"])
    assert town.account(applicant.account_name) is None


@pytest.mark.requirement("S2-18", "S2-52", "S2-53")
def test_link_that_does_not_work_says_so_and_leads_to_a_new_one(
    town: Town, page: Page, early: tuple[Applicant, Applicant]
) -> None:
    """A forged link leads to a new mail; once one link was used, none works."""
    applicant = early[0]
    first = awaited(town.mails, applicant.mailbox, holding="/login-actions/action-token")
    page.goto(activation_link(first)[:-6] + "forged")
    expect(page.locator("#kc-error-message")).to_contain_text("這個連結無效")
    go_on(page, "#hufu-resend")
    expect(page.locator("#expired")).to_have_text("啟用連結已失效")
    expect(page.locator("#not-received")).to_have_text("沒有收到啟用信")
    prove_when_possible(page, town, "/activation", applicant)
    own_accounts = page.url
    for _ in range(30):
        go_on(page, "main form button")
        if page.locator(".hf-notice.good").count():
            break
        page.wait_for_timeout(3000)
        page.goto(own_accounts)
    second = awaited(town.mails, applicant.mailbox, holding="/login-actions/action-token", after=first["id"])
    activate(page, activation_link(second), applicant)
    expect(page.locator("#kc-info-message")).to_be_visible()
    for mail in (first, second):
        page.goto(activation_link(mail))
        expect(page.locator("#kc-error-message")).to_contain_text("已經啟用")
        # Nobody is mailed a link to what is done.
        expect(page.locator("#hufu-resend")).to_have_count(0)
