"""What people do on the pages, step by step: the console's, the public ones, Keycloak's and the sample application's."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from hufu_stack.person import Authenticator
from tests.kit.browser.mails import awaited, code_in, newest
from tests.kit.browser.people import Applicant, Insider, Town

MAIN_ACT = "main .btn-primary"
MOST_TRIES = 3


def go_on(page: Page, selector: str = MAIN_ACT) -> None:
    """Press a button and arrive on the next page."""
    with page.expect_navigation():
        page.click(selector)


def speak(page: Page, town: Town, language: str) -> None:
    """Have the console speak zh_Hant_TW or en from now on."""
    page.goto(f"{town.console}/welcome?language={language}")


def prove_mailbox(page: Page, town: Town, path: str, mailbox: str) -> None:
    """Name a mailbox, read the code in the mail that comes, enter it."""
    before = newest(town.mails)
    page.goto(f"{town.console}{path}")
    page.fill("#mailbox", mailbox)
    go_on(page)
    page.fill("#code", code_in(awaited(town.mails, mailbox, after=before)))
    go_on(page)


def prove_when_possible(page: Page, town: Town, path: str, applicant: Applicant) -> None:
    """Another code for the same mailbox is sent a minute after the first at the earliest."""
    before = newest(town.mails)
    for _ in range(30):
        page.goto(f"{town.console}{path}")
        page.fill("#mailbox", applicant.mailbox)
        go_on(page)
        if page.url.endswith("/code"):
            page.fill("#code", code_in(awaited(town.mails, applicant.mailbox, after=before)))
            go_on(page)
            return
        expect(page.locator(".hf-summary-errors")).to_be_visible()
        page.wait_for_timeout(3000)
    raise AssertionError("no second code came")


def choose_agency(page: Page, applicant: Applicant) -> None:
    """Type a part of the name and pick the agency; OID and name fill themselves in."""
    page.fill("#words", applicant.search)
    page.locator("#found button", has=page.get_by_text(applicant.oid, exact=True)).click()
    expect(page.locator("#chosen strong")).to_have_text(applicant.agency)
    expect(page.locator("#agency_oid")).to_have_value(applicant.oid)


def fill_form(page: Page, applicant: Applicant) -> None:
    page.fill("#name", applicant.name)
    page.fill("#title", applicant.title)
    page.fill("#account_name", applicant.account_name)
    choose_agency(page, applicant)
    page.fill("#unit_name", applicant.unit)
    page.fill("#phone", applicant.phone)
    page.fill("#extension", applicant.extension)
    page.fill("#mobile", applicant.mobile)
    page.fill("#reason", applicant.reason)


def send_form(page: Page) -> None:
    """From the filled form over the page that shows everything to the receipt."""
    go_on(page)
    page.check("#consent")
    go_on(page)
    page.wait_for_url("**/apply/receipt/*")


def apply_for_account(page: Page, town: Town, applicant: Applicant) -> None:
    prove_mailbox(page, town, "/apply", applicant.mailbox)
    fill_form(page, applicant)
    send_form(page)


def sign_in(page: Page, insider: Insider) -> None:
    """From Keycloak's first page to where one wanted to go."""
    page.fill("#username", insider.username)
    page.fill("#password", insider.password)
    go_on(page, "#kc-login")
    enter_one_time_password(page, insider.authenticator)


def enter_one_time_password(page: Page, authenticator: Authenticator) -> None:
    for _ in range(MOST_TRIES):
        page.fill("#otp", authenticator.code())
        go_on(page, "#kc-login")
        if page.locator("#otp").count() == 0:
            return
    raise AssertionError(page.locator("main").inner_text())


def sign_in_to_console(page: Page, town: Town, insider: Insider, path: str = "/") -> None:
    page.goto(f"{town.console}/sign-in?next={path}")
    sign_in(page, insider)
    page.wait_for_url(f"{town.console}{path}")


def open_case(page: Page, town: Town, applicant: Applicant) -> str:
    """From the queue to the applicant's case; its address."""
    page.goto(f"{town.console}/cases")
    page.fill("#words", applicant.account_name)
    go_on(page, "main form[role=search] button")
    page.locator("tr", has_text=applicant.account_name).get_by_role("rowheader").get_by_role("link").click()
    page.wait_for_url("**/cases/*-*")
    return page.url


def approve_case(page: Page) -> None:
    page.click("form[action$='/approve'] .btn-primary")
    expect(page.locator(".hf-notice.good").first).to_be_visible()


def set_up_one_time_password(page: Page, applicant: Applicant) -> None:
    """On Keycloak's page: read the key by hand, enter the code the phone shows."""
    page.click("#mode-manual")
    key = page.locator("#kc-totp-secret-key").inner_text()
    applicant.totp_secret = re.sub(r"\s", "", key)
    page.fill("#totp", Authenticator(applicant.totp_secret).code())
    page.click("#saveTOTPBtn")


def set_password(page: Page, password: str) -> None:
    page.fill("#password-new", password)
    page.fill("#password-confirm", password)
    page.click("main [type=submit]")


def activate(page: Page, link: str, applicant: Applicant) -> None:
    """Follow the activation mail's link to its end."""
    page.goto(link)
    page.click("#kc-info-message a")
    for _ in range(2):
        page.wait_for_selector("#mode-manual, #password-new")
        if page.locator("#password-new").count():
            set_password(page, applicant.password)
        else:
            set_up_one_time_password(page, applicant)


def as_insider(applicant: Applicant) -> Insider:
    return Insider(applicant.account_name, applicant.name, applicant.password, Authenticator(applicant.totp_secret))


def claims_on(page: Page, table: int = 0) -> dict[str, str]:
    """The claims as the sample application shows them: those of the ID token, or (1) of userinfo."""
    rows = page.locator("table").nth(table).locator("td[data-claim]")
    return {str(row.get_attribute("data-claim")): row.inner_text() for row in rows.all()}
