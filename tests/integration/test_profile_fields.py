"""Each field of what an account says of its official is asked and shown wherever the others are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hufu_console.accounts.profile import PROFILE_FIELDS
from hufu_console.public.activation.forms import ApplicationForm
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.consent import CURRENT
from hufu_registry.kernel.ids import AccountId
from tests.kit.accounts import official_domains
from tests.kit.consoles import last_code, make_console, signed_in
from tests.kit.staff import Staff

# What no other part of a page says; a field that is not here yet gets digits.
VALUES = {
    "name": "歐陽端正",
    "title": "專門委員",
    "unit_name": "第七科",
    "phone": "02-87654321",
    "extension": "8642",
    "mobile": "0987123456",
    "official_mail": "ouyang@gov.tw",
}
ALL = {name: VALUES.get(name, "97531") for name in PROFILE_FIELDS}
ASKED = {name: value for name, value in ALL.items() if hasattr(ApplicationForm, name)}


@pytest.fixture
def console(services: SqlServices, tmp_path: Path) -> Flask:
    return make_console(services, tmp_path)


@pytest.fixture
def staff(services: SqlServices) -> Staff:
    return Staff(services)


@pytest.fixture
def manager(staff: Staff, chain: Sequence[Agency]) -> AccountId:
    (account_id,) = staff.hire(chain[2])
    staff.appoint(account_id, chain[2])
    return account_id


def missing(page: str, wanted: dict[str, str]) -> list[str]:
    return [name for name, value in wanted.items() if value not in page]


def test_an_application_asks_for_it_and_every_page_of_the_case_shows_it(
    console: Flask, services: SqlServices, chain: Sequence[Agency], manager: AccountId
) -> None:
    applicant: FlaskClient = console.test_client()
    applicant.post("/apply", data={"mailbox": "ouyang@example.org"})
    applicant.post("/apply/code", data={"code": last_code(services)})
    asked = applicant.get("/apply/form").text
    assert missing(asked, {name: f'name="{name}"' for name in ASKED}) == []

    form = ASKED | {"account_name": "ouyang", "agency_id": str(chain[2].id), "reason": "新進人員"}
    review = applicant.post("/apply/form", data=form)
    assert missing(applicant.get(review.location).text, ASKED) == []
    key = parse_qs(urlsplit(review.location).query)["draft"][0]
    assert missing(applicant.get(f"/apply/form?draft={key}").text, ASKED) == []
    receipt = applicant.post("/apply/send", data={"draft": key, "consent": CURRENT.version})
    case_id = receipt.location.rsplit("/", 1)[1]

    page = signed_in(console, services, manager).get(f"/cases/{case_id}")
    assert page.status_code == 200
    assert missing(page.text, ASKED) == []


def test_the_account_shows_it_and_a_manager_changes_it(
    console: Flask, services: SqlServices, staff: Staff, chain: Sequence[Agency], manager: AccountId
) -> None:
    (account_id,) = staff.hire(chain[2])
    official_domains(services, chain[2], "gov.tw")
    browser = signed_in(console, services, manager)
    version = str(staff.account(account_id).version)
    answer = browser.post(f"/accounts/{account_id}/edit", data=ALL | {"version": version})
    assert answer.status_code == 303, answer.text
    assert missing(browser.get(f"/accounts/{account_id}").text, ALL) == []
    assert missing(browser.get(f"/accounts/{account_id}/edit").text, {n: f'value="{v}"' for n, v in ALL.items()}) == []
