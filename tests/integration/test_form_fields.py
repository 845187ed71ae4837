"""What every form of the console keeps: what is wrong stands in the order of the page, what may stay empty says so, a day
has its format and a calendar. A form is walked because its address takes GET and POST.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.permissions import Role
from tests.kit.accounts import official
from tests.kit.addresses import Ground, filled
from tests.kit.cases import Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import last_code, signed_in


@dataclass(frozen=True)
class Form:
    """The one form of a page that is for its act, and where it is sent."""

    page: str
    action: str
    soup: Tag

    @property
    def inputs(self) -> list[Tag]:
        """What somebody fills in, in the order of the page; not the search that leads to a hidden choice."""
        every = self.soup.select("input:not([type=hidden]), textarea, select")
        return [one for one in every if one.get("name") not in (None, "words")]

    def is_optional(self, field: str) -> bool:
        label = self.soup.select_one(f'label[for="{field}"]')
        return label is not None and label.select_one(".hf-optional") is not None

    @property
    def hidden(self) -> dict[str, str]:
        return {str(one["name"]): str(one.get("value", "")) for one in self.soup.select("input[type=hidden][name]")}


def form_in(page: str, text: str, action: str = "") -> Form | None:
    soup = BeautifulSoup(text, "html.parser").select_one("main")
    assert soup is not None, page
    for form in soup.select("form"):
        goes_to = str(form.get("action") or page)
        if goes_to == (action or page) and form.select_one("button") and not form.get("role"):
            return Form(page, goes_to, form)
    return None


@pytest.fixture
def desk(services: SqlServices, chain: Sequence[Agency], clock: SetClock, app: Flask) -> Desk:
    return Desk(services, chain, clock, app)


@pytest.fixture
def managers(
    app: Flask, services: SqlServices, chain: Sequence[Agency], desk: Desk
) -> tuple[FlaskClient, dict[str, str]]:
    chief = official(services, chain[0], "chief1", role=Role.SYSTEM_MANAGER)
    return signed_in(app, services, chief.id), Ground(desk, chief.id).one_of_each()


def forms(app: Flask, browser: FlaskClient, ids: Mapping[str, str]) -> Iterator[Form]:
    for rule in app.url_map.iter_rules():
        if not {"GET", "POST"} <= (rule.methods or set()) or rule.endpoint.split(".")[0] in (
            "sign_in",
            "public",
            "home",
        ):
            continue
        page = filled(rule, ids)
        answer = browser.get(page)
        if answer.status_code == 200 and (form := form_in(page, answer.text)) is not None:
            yield form


def field_errors(page: Tag) -> dict[str, str]:
    return {str(slot["data-for"]): slot.get_text(strip=True) for slot in page.select(".hf-error[data-for]")}


def faults_of(form: Form, answer: str) -> list[str]:
    """What an answer to the form, sent empty, does otherwise than it should."""
    page = BeautifulSoup(answer, "html.parser").select_one("main")
    assert page is not None
    wrong, said = [], field_errors(page)
    for field in form.inputs:
        name = str(field["id"])
        if field.name == "select" or field.get("type") in ("checkbox", "radio"):
            continue
        if form.is_optional(name) and said.get(name):
            wrong.append(f"{form.page} {name} is said to be optional: {said[name]}")
        if not form.is_optional(name) and not said.get(name):
            wrong.append(f"{form.page} {name} may stay empty and does not say so")
    ids = [str(one["id"]) for one in page.select("form [id], .hf-error[data-for]")]
    linked = [str(link["href"])[1:] for link in page.select(".hf-summary-errors a")]
    places = [ids.index(name if name in ids else f"{name}-error") for name in linked]
    if places != sorted(places):
        wrong.append(f"{form.page} {linked} stand in another order than the fields")
    return wrong


def test_what_is_wrong_stands_in_the_order_of_the_page_and_what_may_stay_empty_says_so(
    app: Flask, managers: tuple[FlaskClient, dict[str, str]]
) -> None:
    browser, ids = managers
    walked, wrong = [], []
    for form in forms(app, browser, ids):
        texts = {str(one["name"]): "" for one in form.inputs if one.get("type") not in ("checkbox", "radio")}
        if not texts:
            continue
        answer = browser.post(form.action, data=form.hidden | texts)
        walked.append(form.page)
        if answer.status_code == 422:
            wrong += faults_of(form, answer.text)
        else:
            wrong += [
                f"{form.page} {one['id']} {answer.status_code}"
                for one in form.inputs
                if not form.is_optional(str(one["id"]))
            ]
    assert wrong == []
    assert len(walked) > 12, walked


def test_a_day_says_how_it_is_written_and_has_a_calendar(
    app: Flask, managers: tuple[FlaskClient, dict[str, str]]
) -> None:
    browser, ids = managers
    days = 0
    for form in forms(app, browser, ids):
        for calendar in form.soup.select("[data-day-of]"):
            days += 1
            field = form.soup.select_one(f"#{calendar['data-day-of']}")
            assert field is not None
            help_ = form.soup.select_one(f"#{str(field['aria-describedby']).split()[0]}")
            assert help_ is not None
            assert "115-11-21" in help_.get_text(), form.page
            assert "name" not in calendar.attrs
    assert days >= 4


def test_applicants_read_what_is_wrong_in_the_order_of_the_page(app: Flask, desk: Desk) -> None:
    browser = app.test_client()
    browser.post("/apply", data={"mailbox": "ming@example.org"})
    browser.post("/apply/code", data={"code": last_code(desk.services)})
    form = form_in("/apply/form", browser.get("/apply/form").text)
    assert form is not None
    answer = browser.post(
        "/apply/form", data=form.hidden | {str(one["name"]): "" for one in form.inputs if one.get("type") != "checkbox"}
    )
    assert answer.status_code == 422
    assert faults_of(form, answer.text) == []
    stranger = app.test_client()
    for page in ("/apply", "/follow"):
        form = form_in(page, stranger.get(page).text)
        assert form is not None
        assert faults_of(form, stranger.post(page, data=form.hidden | {"mailbox": ""}).text) == [], page
