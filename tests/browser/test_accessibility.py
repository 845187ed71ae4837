"""What only a real story shows, under axe-core, light and dark, wide and at 360 px: refusals, what was done, Keycloak's
own; and by keyboard. The pages as they answer at their address are looked at in tests/integration/test_every_page.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, StorageState, expect

from hufu_console.web.moments import ROC_OFFSET
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.clock import taipei_date
from hufu_stack.demo_people import FIRE, FIRST, Resident
from tests.kit.browser.chromium import NewBrowser
from tests.kit.browser.judging import judge
from tests.kit.browser.mails import awaited, code_in, newest
from tests.kit.browser.pages import (
    apply_for_account,
    fill_form,
    go_on,
    open_case,
    prove_mailbox,
    prove_when_possible,
    sign_in,
)
from tests.kit.browser.people import FIRE_MANAGER, Applicant, Town
from tests.kit.browser.sync_scene import scene_of_sync

SignedIn = Callable[[Resident], StorageState]


def test_no_page_of_a_real_story_breaks_a_rule_or_hangs_over_the_edge(
    town: Town, new_browser: NewBrowser, signed_in: SignedIn
) -> None:
    applicant = Applicant(name="游" + "𠮷" * 8, unit="資訊室第二科第三股")
    waiting = Applicant()
    apply_for_account(new_browser().new_page(), town, waiting)
    strangers_pages(town, new_browser().new_page(), applicant)
    managers_pages(town, new_browser(storage_state=signed_in(FIRE_MANAGER)).new_page(), applicant)
    followers_pages(town, new_browser().new_page(), waiting)
    activation_pages(town, new_browser().new_page(), applicant)


def strangers_pages(town: Town, page: Page, applicant: Applicant) -> None:
    before = newest(town.mails)
    page.goto(f"{town.console}/apply")
    page.fill("#mailbox", "no mailbox")
    go_on(page)
    judge(page, in_english=False)
    page.fill("#mailbox", applicant.mailbox)
    go_on(page)
    page.fill("#code", "12")
    go_on(page)
    judge(page, in_english=False)
    page.fill("#code", code_in(awaited(town.mails, applicant.mailbox, after=before)))
    go_on(page)
    judge(page)
    go_on(page)
    expect(page.locator(".hf-summary-errors")).to_be_focused()
    judge(page, in_english=False)
    page.fill("#words", applicant.search)
    page.wait_for_selector("#found button")
    judge(page, in_english=False)
    fill_form(page, applicant)
    go_on(page)
    go_on(page)
    judge(page, in_english=False)
    page.go_back()
    judge(page)
    page.check("#consent")
    go_on(page)
    judge(page)
    page.goto(f"{town.console}/apply/form")
    expect(page.locator("#name")).to_have_count(0)
    judge(page)
    for path in ("/nowhere", "/apply/review", "/apply/send"):
        page.goto(f"{town.console}{path}")
        judge(page, in_english=False)


def managers_pages(town: Town, page: Page, applicant: Applicant) -> None:
    # An agency's manager has another first page than the system's; and a list in which nothing is found.
    for path in ("/", "/cases?state=withdrawn"):
        page.goto(f"{town.console}{path}")
        judge(page)
    case = open_case(page, town, applicant)
    judge(page)
    page.goto(f"{case}/reject")
    go_on(page, "main .btn-grave")
    judge(page, in_english=False)
    page.goto(case)
    other = page.context.new_page()
    other.goto(case)
    go_on(page, "form[action$='/approve'] .btn-primary")
    page.wait_for_selector(".hf-notice.good")
    judge(page)
    go_on(other, "form[action$='/approve'] .btn-primary")
    judge(other, in_english=False)
    other.close()
    page.locator("main a[href*='/accounts/']").first.click()
    page.wait_for_url("**/accounts/*-*")
    judge(page)
    account = page.url.partition("?")[0]
    page.goto(f"{account}/delete")
    go_on(page, "main .btn-grave")
    judge(page, in_english=False)
    page.goto(f"{town.console}/agencies/{agency_of(town).id}/units/add")
    page.fill("#oid", "no OID")
    go_on(page)
    judge(page, in_english=False)


def followers_pages(town: Town, page: Page, applicant: Applicant) -> None:
    prove_when_possible(page, town, "/follow", applicant)
    for path in ("/follow/case", "/follow/change", "/follow/withdraw"):
        page.goto(f"{town.console}{path}")
        judge(page)


def activation_pages(town: Town, page: Page, applicant: Applicant) -> None:
    prove_when_possible(page, town, "/activation", applicant)
    judge(page)
    page.goto(f"{town.sample}/")
    judge(page, in_english=False)
    page.click("a.button")
    sign_in(page, town.insider(FIRE_MANAGER))
    page.wait_for_url(f"{town.sample}/")
    judge(page, in_english=False)


def agency_of(town: Town) -> Agency:
    with town.registry.begin() as work:
        found = work.agencies.find_by_oid(FIRE)
    assert found is not None
    return found


def test_application_is_filled_in_and_sent_by_keyboard_alone(town: Town, page: Page) -> None:
    applicant = Applicant()
    prove_mailbox(page, town, "/apply", applicant.mailbox)
    press_to(page, "name")
    page.keyboard.type(applicant.name)
    press_to(page, "title")
    page.keyboard.type(applicant.title)
    press_to(page, "account_name")
    page.keyboard.type(applicant.account_name)
    press_to(page, "words")
    page.keyboard.type(applicant.search)
    page.wait_for_selector("#found button")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("#chosen")).to_be_focused()
    expect(page.locator("#agency_oid")).to_have_value(applicant.oid)
    for field, text in (("phone", applicant.phone), ("mobile", applicant.mobile), ("reason", applicant.reason)):
        press_to(page, field)
        page.keyboard.type(text)
    press_to_button(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/apply/review*")
    press_to(page, "consent")
    page.keyboard.press("Space")
    press_to_button(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/apply/receipt/*")


def press_to(page: Page, field: str) -> None:
    """Press Tab until the field has the focus."""
    press_to_what(page, f"#{field}")


def press_to_button(page: Page) -> None:
    press_to_what(page, "main .btn-primary")


# Where the focus is, one sees: in the window, with a ring, which Keycloak's pages draw round the field's box.
SHOWS_FOCUS = """() => {
    const one = document.activeElement, box = one.getBoundingClientRect();
    const ring = [one, one.parentElement].map((drawn) => getComputedStyle(drawn))
        .some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
    return one === document.body || (ring && box.bottom > 0 && box.top < innerHeight) ? "" : one.outerHTML.slice(0, 200);
}"""


def press_to_what(page: Page, selector: str) -> None:
    for _ in range(200):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
        assert page.evaluate(SHOWS_FOCUS) == ""
    raise AssertionError(f"Tab does not lead to {selector}")


def test_a_case_is_decided_by_keyboard_alone_from_the_sign_in_to_the_account_menu(
    town: Town, new_browser: NewBrowser
) -> None:
    applicant, manager = Applicant(), town.insider(FIRE_MANAGER)
    apply_for_account(new_browser().new_page(), town, applicant)
    page = new_browser().new_page()
    page.goto(f"{town.console}/sign-in?next=/cases")
    for field, text in (("username", manager.username), ("password", manager.password)):
        press_to(page, field)
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    expect(page.locator("#otp")).to_be_focused()
    page.keyboard.type(manager.authenticator.code())
    page.keyboard.press("Enter")
    page.wait_for_url(f"{town.console}/cases")
    press_to(page, "words")
    page.keyboard.type(applicant.account_name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases?*")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/*-*")
    press_to_button(page)
    page.keyboard.press("Enter")
    expect(page.locator(".hf-notice.good").first).to_be_visible()
    press_to_what(page, ".hf-popup summary")
    page.keyboard.press("Enter")
    press_to_what(page, ".hf-popup a[href='/me']")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{town.console}/me")


@pytest.mark.requirement("S1-076")
def test_a_difference_is_found_and_put_off_by_keyboard_alone(
    town: Town, new_browser: NewBrowser, signed_in: SignedIn
) -> None:
    with scene_of_sync(town) as scene:
        page = new_browser(storage_state=signed_in(FIRST)).new_page()
        page.goto(f"{town.console}/sync/drift")
        press_to_what(page, f"a[href$='{scene.difference}']")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{scene.difference}")
        press_to(page, "until")
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        expect(page.locator(".hf-summary-errors")).to_be_visible()
        press_to_what(page, "a[href='#until']")
        page.keyboard.press("Enter")
        page.keyboard.press("Control+A")
        day = taipei_date(datetime.now(UTC)) + timedelta(days=30)
        page.keyboard.type(f"{day.year - ROC_OFFSET}-{day:%m-%d}")
        page.keyboard.press("Enter")
        expect(page.locator(".hf-notice.good")).to_be_visible()
        expect(page.locator(f"a[href$='{scene.difference}']")).to_have_count(0)
