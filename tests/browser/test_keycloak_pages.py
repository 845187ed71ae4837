"""Keycloak's pages in our look: they fit, break no rule of axe-core and of their own CSP, and speak both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from hufu_stack.stack import Stack
from tests.kit.browser.chromium import NewBrowser
from tests.kit.realms import ACTIVATION, PASSWORD, ScratchRealm, link_in, scratch_realm

VIEWS = [(1280, "zh-TW", "light"), (360, "zh-TW", "dark"), (360, "en", "light")]
WORDS = {
    "zh-TW": (
        "登入公務帳號",
        "忘記密碼",
        "啟用您的公務帳號",
        "設定一次性密碼",
        "設定密碼",
        "設定完成",
        "無法繼續",
        "輸入一次性密碼",
        "登出",
        "已登出",
    ),
    "en": (
        "Sign in to your official account",
        "Forgot your password",
        "Activate your official account",
        "Set up your one-time password",
        "Set your password",
        "All done",
        "This cannot go on",
        "Enter your one-time password",
        "Sign out",
        "Signed out",
    ),
}
NAMES = ("虎符公務帳號", "Hufu official accounts")


@pytest.fixture(scope="module")
def realm(stack: Stack) -> Iterator[ScratchRealm]:
    with scratch_realm(stack, "none") as made:
        yield made


def judge(page: Page, heading: str, width: int) -> None:
    """The page has arrived, says which it is, fits its window, and is accessible."""
    page.get_by_role("heading", level=1, name=heading, exact=True).wait_for()
    assert page.title() in {f"{heading} - {name}" for name in NAMES}
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#kc-header-wrapper").inner_text() in NAMES
    found = Axe().run(page).response["violations"]
    assert not found, [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]


@pytest.mark.parametrize(("width", "language", "scheme"), VIEWS)
def test_every_page_from_the_first_sign_in_to_a_used_link(
    realm: ScratchRealm, new_browser: NewBrowser, width: int, language: str, scheme: str
) -> None:
    first, forgot, activate, totp, password, done, stopped, code, leave, left = WORDS[language]
    person = realm.person()
    link = link_in(person.send(ACTIVATION))
    page = new_browser(viewport={"width": width, "height": 800}, locale=language, color_scheme=scheme).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    start = realm.sign_in_address()
    page.goto(start)
    judge(page, first, width)
    page.fill("#username", "nobody")
    page.fill("#password", "wrong")
    page.click("#kc-login")
    page.locator("#input-error-username").wait_for()
    judge(page, first, width)
    page.locator("a[href*='reset-credentials']").click()
    judge(page, forgot, width)

    page.goto(link)
    judge(page, activate, width)
    page.click(".hufu-button")
    judge(page, totp, width)
    assert page.locator("#hufu-on-this-phone a").is_visible() == (width == 360), "nobody scans the phone in his hand"
    page.click("#mode-manual")
    page.locator("#kc-totp-secret-key").wait_for()
    judge(page, totp, width)
    secret = page.inner_text("#kc-totp-secret-key").replace(" ", "")
    page.fill("#totp", "000000")
    page.click("#saveTOTPBtn")
    page.locator("#input-error-otp-code").wait_for()
    judge(page, totp, width)
    page.fill("#totp", pyotp.TOTP(secret).now())
    page.click("#saveTOTPBtn")
    judge(page, password, width)
    for word in ("too-short", PASSWORD):
        page.fill("#password-new", word)
        page.fill("#password-confirm", word)
        page.locator("#kc-passwd-update-form [type=submit]").click()
        if word != PASSWORD:
            page.locator(".pf-m-danger, .pf-m-error").first.wait_for()
            judge(page, password, width)
    judge(page, done, width)

    page.context.clear_cookies()
    page.goto(link)
    judge(page, stopped, width)
    assert page.locator("#hufu-resend").count() == 0, "who is activated needs no other"
    page.goto(start)
    page.fill("#username", person.name)
    page.fill("#password", PASSWORD)
    page.click("#kc-login")
    page.click("#hufu-lost-phone summary")
    judge(page, code, width)
    page.goto(f"{realm.issuer}/protocol/openid-connect/logout")
    judge(page, leave, width)
    page.click("#kc-logout")
    judge(page, left, width)
    assert [text for text in complaints if "400" not in text] == []


def test_a_link_opened_where_somebody_else_is_signed_in_has_a_button_that_signs_out_and_comes_back(
    realm: ScratchRealm, new_browser: NewBrowser
) -> None:
    other, person = realm.person(), realm.person()
    other.activate()
    assert other.otp
    for _ in range(2):
        other.otp.code()  # the activation took one of them; each is good once
    link = link_in(person.send(ACTIVATION))
    browser = new_browser(locale="zh-TW", viewport={"width": 360, "height": 800})
    signed_in, page = browser.new_page(), browser.new_page()
    signed_in.goto(realm.sign_in_address())
    signed_in.fill("#username", other.name)
    signed_in.fill("#password", PASSWORD)
    signed_in.click("#kc-login")
    signed_in.fill("#otp", other.otp.code())
    # Nobody listens there, and a redirect is not to be fulfilled by the test.
    with signed_in.expect_request(lambda request: request.url.startswith(f"{realm.redirect}?")):
        signed_in.click("#kc-login")
    page.goto(link)
    judge(page, "無法繼續", 360)
    assert page.locator("#hufu-resend").count() == 0
    page.click("#hufu-sign-out")
    page.click("#kc-logout")
    judge(page, "啟用您的公務帳號", 360)
    assert page.url == link
