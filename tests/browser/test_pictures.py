"""The pictures of help and documents, made anew by `make screenshots`: the pages as they are, with people of made-up names."""

from __future__ import annotations

import io
import os
from collections.abc import Callable

import pytest
from PIL import Image
from playwright.sync_api import Page, StorageState, expect

from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_stack.demo_people import FIRE, FIRST, Resident
from hufu_stack.layout import PROJECT
from tests.kit.browser.chromium import NewBrowser
from tests.kit.browser.mails import activation_link, awaited
from tests.kit.browser.pages import (
    activate,
    apply_for_account,
    approve_case,
    fill_form,
    open_case,
    prove_mailbox,
    send_form,
)
from tests.kit.browser.people import FIRE_MANAGER, Applicant, Town
from tests.kit.browser.sync_scene import scene_of_sync
from tests.kit.sync_scenes import drifted

FOLDER = PROJECT / "admin-ui" / "hufu_console" / "static" / "help"
SIZE = {"width": 1280, "height": 860}
SHOWN = (960, 645)
MOST_BYTES = 40_000

pytestmark = [
    pytest.mark.screenshots,
    pytest.mark.skipif(os.environ.get("HUFU_SCREENSHOTS") != "1", reason="pictures are made by `make screenshots`"),
]


def take(page: Page, name: str) -> None:
    """Keep what the window shows, as wide as a page of help shows it, in few colours: it counts to that page's weight."""
    page.evaluate("document.activeElement.blur()")
    picture = Image.open(io.BytesIO(page.screenshot()))
    FOLDER.mkdir(parents=True, exist_ok=True)
    shown = picture.convert("RGB").resize(SHOWN, Image.Resampling.LANCZOS)
    # The colours of states are few among the many pixels of ink.
    few = shown.quantize(32, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(FOLDER / f"{name}.png", optimize=True)
    assert (FOLDER / f"{name}.png").stat().st_size < MOST_BYTES


def test_pictures_of_the_main_job(
    town: Town, new_browser: NewBrowser, signed_in: Callable[[Resident], StorageState]
) -> None:
    page = new_browser(viewport=SIZE).new_page()
    page.goto(f"{town.console}/sign-in")
    expect(page.locator("#username")).to_be_visible()
    take(page, "sign-in")
    others = (
        Applicant(account_name="ttpan", name="潘廷達", title="技佐", unit="災害管理組"),
        Applicant(account_name="chekunyu", name="游喆堃", title="隊員", unit="災害搶救組"),
        Applicant(account_name="ayunbiling", name="阿允‧比令", title="約聘研究員", unit="火災預防組"),
    )
    for other in others:
        apply_for_account(new_browser().new_page(), town, other)
    applicant = Applicant(account_name="hualin", name="林美華", title="技士", unit="緊急救護組")
    prove_mailbox(page, town, "/apply", applicant.mailbox)
    fill_form(page, applicant)
    page.evaluate("scrollTo(0, 0)")
    take(page, "apply")
    send_form(page)
    manager = new_browser(viewport=SIZE, storage_state=signed_in(FIRE_MANAGER)).new_page()
    manager.goto(f"{town.console}/cases")
    take(manager, "queue")
    open_case(manager, town, applicant)
    take(manager, "case")
    approve_case(manager)
    manager.locator(".hf-notice a[href*='/accounts/']").click()
    mail = awaited(town.mails, applicant.mailbox, holding="/login-actions/action-token")
    expect(manager.locator("#progress .hf-steps > li").nth(2).locator(".good").first).to_be_visible()
    take(manager, "account")
    activate(new_browser().new_page(), activation_link(mail), applicant)
    manager.goto(f"{town.console}/me")
    take(manager, "my-account")
    manager.goto(f"{town.console}/agencies/{agency_id(town)}")
    take(manager, "agency")
    with scene_of_sync(town) as scene:
        key = OutboxKey(Target.AD, Kind.ACCOUNT, str(scene.account_id))
        drifted(town.registry, key, title=("組長", "科長"))
        keeper = new_browser(viewport=SIZE, storage_state=signed_in(FIRST)).new_page()
        for name, path in (("sync", ""), ("parked", "/work?state=parked"), ("drift", "/drift")):
            keeper.goto(f"{town.console}/sync{path}")
            take(keeper, name)
        drifted(town.registry, key)


def agency_id(town: Town) -> int:
    with town.registry.begin() as work:
        found = work.agencies.find_by_oid(FIRE)
    assert found is not None
    return found.id
