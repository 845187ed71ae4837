"""The main job, end to end, in a real browser on the real servers: from the application to the token."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from dataclasses import dataclass
from typing import Any

import ldap3
import pytest
from playwright.sync_api import BrowserContext, expect

from hufu_stack.demo_people import CULTURE, FIRE, FIRST, Resident
from tests.kit.browser.chromium import NARROW, WIDE, NewBrowser
from tests.kit.browser.mails import activation_link, awaited
from tests.kit.browser.pages import (
    activate,
    approve_case,
    as_insider,
    claims_on,
    fill_form,
    go_on,
    open_case,
    prove_mailbox,
    sign_in,
    sign_in_to_console,
    speak,
)
from tests.kit.browser.people import CULTURE_MANAGER, FIRE_MANAGER, Applicant, Town
from tests.kit.logs import told_of

SEVEN_DAYS = 7 * 24 * 3600
PATIENCE = 60.0


@dataclass(frozen=True)
class Setting:
    """How a story is told: language, width, with a directory or without, and at which agency."""

    language: str
    width: Any
    fixture: str
    manager: Resident
    search: str
    agency: str
    oid: str
    code: str | None
    words: dict[str, str]


CHINESE = {
    "sample": "範例應用系統",
    "activated": "帳號已啟用成功",
    "junk": "垃圾",
    "found": "找到",
    "sent": "申請已送出",
    "deciders": "的管理者審核",
    "not_yet": "未啟用",
    "enabled": "啟用",
    "identity": "公務人員",
    "mail": "啟用您的公務帳號",
    "agree": "我已經詳細閱讀並同意服務條款和隱私權保護政策",
    "ask": "請確認是否要申請",
    "in_ad": "Active Directory",
}
ENGLISH = {
    "sample": "Sample application",
    "activated": "The account was activated",
    "junk": "junk mail",
    "found": "found",
    "sent": "Your application was sent",
    "deciders": "The manager of",
    "not_yet": "Not activated",
    "enabled": "Enabled",
    "identity": "Public servant",
    "mail": "Activate your official account",
    "agree": "I have read and agree to the terms of service and the privacy policy",
    "ask": "Do you want to apply?",
    "in_ad": "Active Directory",
}
AT_FIRE: dict[str, Any] = {
    "manager": FIRE_MANAGER,
    "search": "消防署",
    "agency": "內政部消防署",
    "oid": FIRE,
    "code": "301060000C",
}
AT_CULTURE: dict[str, Any] = {
    "manager": CULTURE_MANAGER,
    "search": "嘉義縣 文化局",
    "agency": "嘉義縣政府文化局",
    "oid": CULTURE,
    "code": None,
}
SETTINGS = {
    "zh-1280-ad": Setting("zh_Hant_TW", WIDE, "town", words=CHINESE, **AT_FIRE),
    "en-360-ad": Setting("en", NARROW, "town", words=ENGLISH, **AT_CULTURE),
    "zh-360-none": Setting("zh_Hant_TW", NARROW, "town_without_directory", words=CHINESE, **AT_FIRE),
    "en-1280-none": Setting("en", WIDE, "town_without_directory", words=ENGLISH, **AT_CULTURE),
}


class Story:
    """The people of one story, each with a browser of his own."""

    def __init__(self, setting: Setting, town: Town, new_browser: NewBrowser) -> None:
        self.setting = setting
        self.town = town
        self.words = setting.words
        self.applicant = Applicant(search=setting.search, agency=setting.agency, oid=setting.oid)
        self.official = self._browser(new_browser)
        self.manager = self._browser(new_browser)
        self.manager_page = self.manager.new_page()
        self.page = self.official.new_page()
        for page in (self.page, self.manager_page):
            speak(page, town, setting.language)

    def _browser(self, new_browser: NewBrowser) -> BrowserContext:
        locale = "en" if self.setting.language == "en" else "zh-TW"
        return new_browser(viewport=self.setting.width, locale=locale)


@pytest.fixture(
    params=[
        pytest.param(setting, id=name, marks=[pytest.mark.stack] if setting.fixture == "town" else [])
        for name, setting in SETTINGS.items()
    ]
)
def story(request: pytest.FixtureRequest, new_browser: NewBrowser) -> Story:
    return Story(request.param, request.getfixturevalue(request.param.fixture), new_browser)


@pytest.mark.requirement(
    "S0-20", "S0-22", "S1-025", "S1-026", "S1-084", "S1-085", "S1-086", "S1-088", "S2-16", "S2-18", "S2-19", "S2-20",
    "S2-21", "S2-22", "S2-25", "S2-26", "S2-27", "S2-29", "S2-30", "X-01",
)  # fmt: skip
def test_official_applies_is_approved_activates_and_signs_in(story: Story) -> None:
    applies(story)
    account_page = manager_approves(story)
    link = activation_mail_comes(story)
    activates(story, link)
    state_turns(story, account_page)
    signs_in_to_an_application(story)
    sees_his_account(story)
    signs_out_everywhere(story)
    if story.setting.fixture == "town":
        directory_holds(story)
    types_it_wrong(story)
    logs_tell_nothing(story)


def applies(story: Story) -> None:
    page, applicant, words = story.page, story.applicant, story.words
    prove_mailbox(page, story.town, "/apply", applicant.mailbox)
    fill_form(page, applicant)
    expect(page.locator("#chosen")).to_contain_text(f"› {applicant.agency}")
    go_on(page)
    review = page.locator("main")
    for text in (applicant.name, applicant.account_name, applicant.mobile, applicant.agency, applicant.reason):
        expect(review).to_contain_text(text)
    expect(review).to_contain_text(words["ask"])
    page.get_by_label(words["agree"]).check()
    go_on(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(words["sent"])
    expect(page.locator(".hf-receipt")).to_contain_text(words["deciders"])


def manager_approves(story: Story) -> str:
    """The address of the account's page, where each step stands with its time."""
    page, applicant = story.manager_page, story.applicant
    mail = awaited(story.town.mails, story.setting.manager.mailbox, holding="/cases/")
    assert applicant.name not in mail["subject"]
    sign_in_to_console(page, story.town, story.town.insider(story.setting.manager), "/cases")
    open_case(page, story.town, applicant)
    for text in (
        applicant.name,
        applicant.title,
        applicant.unit,
        applicant.mailbox,
        applicant.mobile,
        applicant.reason,
    ):
        expect(page.locator("main")).to_contain_text(text)
    approve_case(page)
    page.locator(".hf-notice a[href*='/accounts/']").click()
    page.wait_for_url("**/accounts/*-*")
    steps = page.locator("#progress .hf-steps > li")
    expect(steps).to_have_count(4 if story.setting.fixture == "town" else 3)
    for step in steps.all()[:-1]:
        expect(step.locator(".good").first).to_be_visible(timeout=PATIENCE * 1000)
        expect(step).to_contain_text(re.compile(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d"))
    expect(page.locator(".hf-state").first).to_have_text(story.words["not_yet"])
    return page.url


def activation_mail_comes(story: Story) -> str:
    mail = awaited(story.town.mails, story.applicant.mailbox, holding="/login-actions/action-token")
    assert mail["subject"] == story.words["mail"]
    assert story.words["junk"] in story.page.request.get(f"{story.town.console}/activation").text()
    link = activation_link(mail)
    claims = claims_of_link(link)
    assert claims["exp"] - claims["iat"] == SEVEN_DAYS
    return link


def claims_of_link(link: str) -> dict[str, Any]:
    """What the token in the link says, unchecked."""
    payload = link.partition("key=")[2].partition("&")[0].split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def activates(story: Story, link: str) -> None:
    page = story.page
    activate(page, link, story.applicant)
    page.locator("#kc-info-message a").click()
    page.wait_for_url("**/welcome*")
    expect(page.get_by_role("heading", level=1)).to_have_text(story.words["activated"])


def state_turns(story: Story, account_page: str) -> None:
    """By the stored events of the sign-in server, not by anything the person tells us."""
    deadline = time.monotonic() + PATIENCE
    while not story.town.is_enabled(story.applicant.account_name):
        assert time.monotonic() < deadline, "the account was not enabled"
        time.sleep(0.3)
    story.manager_page.goto(account_page)
    expect(story.manager_page.locator(".hf-state").first).to_have_text(story.words["enabled"])


def signs_in_to_an_application(story: Story) -> None:
    page, applicant = story.page, story.applicant
    page.goto(f"{story.town.sample}/")
    page.click("a.button")
    sign_in(page, as_insider(applicant))
    page.wait_for_url(f"{story.town.sample}/")
    account = story.town.account(applicant.account_name)
    assert account is not None
    expected = {
        "account_id": str(account.id),
        "preferred_username": applicant.account_name,
        "name": applicant.name,
        "agency_oid": applicant.oid,
        "agency_code": story.setting.code,
        "agency_name": applicant.agency,
        "unit_name": applicant.unit,
        "title": applicant.title,
        "groups": json.dumps([applicant.oid]),
        "acr": "2",
        "amr": '["pwd", "otp"]',
        "email": None,
        "email_verified": None,
    }
    for claims in (claims_on(page), claims_on(page, 1)):
        assert {name: claims.get(name) for name in expected} == expected
        assert claims["sub"]
        assert time.time() - int(claims["auth_time"]) < 3600


def sees_his_account(story: Story) -> None:
    """The console knows him without asking again, and compares everything at once when he asks for it."""
    page, applicant = story.page, story.applicant
    page.goto(f"{story.town.console}/me")
    for text in (story.words["identity"], applicant.name, applicant.agency, applicant.unit, applicant.title):
        expect(page.locator(".hf-list").first).to_contain_text(text)
    page.click("form[action='/me/sync'] button")
    expect(page.locator(".hf-notice.good")).to_be_visible()
    expect(page.locator("#progress .good").first).to_be_visible()
    for _ in range(60):
        if page.get_by_text(story.words["sample"]).count():
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(page.get_by_text(story.words["sample"]).first).to_be_visible()


def signs_out_everywhere(story: Story) -> None:
    """Signing out at the application ends the console's session, too: the sign-in server tells it."""
    page = story.page
    page.goto(f"{story.town.sample}/")
    page.click("main form button")
    page.wait_for_url(f"{story.town.sample}/")
    expect(page.locator("a.button")).to_be_visible()
    page.goto(f"{story.town.console}/me")
    expect(page.locator("#username")).to_be_visible()


def types_it_wrong(story: Story) -> None:
    """His mailbox for a name, and his name with a wrong password: what is typed at the wrong place is read nowhere."""
    page, applicant = story.page, story.applicant
    for name in (applicant.mailbox, applicant.account_name):
        page.goto(f"{story.town.console}/sign-in")
        page.fill("#username", name)
        page.fill("#password", f"{applicant.password}-mistyped")
        go_on(page, "#kc-login")
        expect(page.locator("#username")).to_have_attribute("aria-invalid", "true")


def logs_tell_nothing(story: Story) -> None:
    """Of the whole story, from the first system manager's account on: neither ours nor those of any other server."""
    applicant, stack = story.applicant, story.town.stack
    people = [story.setting.manager, FIRST]
    personal = [
        *(getattr(applicant, field) for field in ("name", "account_name", "phone", "mobile", "reason")),
        *(applicant.password, applicant.totp_secret),
        *(text for one in people for text in (one.name, one.username)),
        # What stands before the @ of a mailbox is the account's name.
    ]
    assert told_of(stack, personal) == []


def directory_holds(story: Story) -> None:
    """Other systems read the account by LDAPS with an account that can only read."""
    told = story.town.stack.endpoints["ldap"]
    tls = ldap3.Tls(ca_certs_file=told["ca_file"], validate=ssl.CERT_REQUIRED)
    server = ldap3.Server(told["url"], tls=tls, get_info=ldap3.NONE)
    with (
        ldap3.Connection(server, told["bind_dn"], told["bind_password"], auto_bind=True) as connection,
        connection.socket,
    ):
        wanted = ["displayName", "title", "department", "employeeNumber", "userAccountControl", "mail"]
        connection.search(told["base_dn"], f"(sAMAccountName={story.applicant.account_name})", attributes=wanted)
        (entry,) = connection.entries
    account = story.town.account(story.applicant.account_name)
    assert account is not None
    assert entry.displayName.value == story.applicant.name
    assert entry.title.value == story.applicant.title
    assert entry.department.value == story.applicant.unit
    assert entry.employeeNumber.value == str(account.id)
    assert f"OU={story.applicant.agency}" in entry.entry_dn
    assert not int(entry.userAccountControl.value) & 2
    assert entry.mail.value is None
