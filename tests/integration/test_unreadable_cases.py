"""One row that cannot be read (a key is missing, its type is gone, it was damaged) is trouble of that row alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import sqlalchemy as sa

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.store import cases
from hufu_registry.cases.use_cases import Withdraw, withdraw
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.keys import Keys
from tests.kit.cases import APPLICANT, Desk
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console, words_of

DAMAGED: dict[str, Callable[[Keys, str], str]] = {
    "another key": lambda _keys, sealed: f"AAAA{sealed[4:]}",
    "garbage": lambda _keys, _sealed: "zzz",
    "nothing": lambda _keys, _sealed: "",
    "a list": lambda keys, _sealed: keys.seal("form", "[]"),
    "no form": lambda keys, _sealed: keys.seal("form", json.dumps({"title": "科員"})),
    "of something else": lambda keys, sealed: keys.seal("mailbox", keys.open("form", sealed)),
}


@pytest.fixture
def desk(services: SqlServices, clock: SetClock, chain: Sequence[Agency], tmp_path: Path) -> Desk:
    return Desk(services, chain, clock, make_console(services, tmp_path))


def change(services: SqlServices, case_id: CaseId, **values: object) -> None:
    with services.begin(OPERATOR) as work:
        work.connection.execute(sa.update(cases).where(cases.c.id == case_id).values(values))


def sealed_form(services: SqlServices, case_id: CaseId) -> str:
    with services.read() as connection:
        return str(connection.execute(sa.select(cases.c.form_sealed).where(cases.c.id == case_id)).scalar_one())


def candidates(page: str) -> str:
    """The part of a case's page about who might be the same person."""
    return page.partition('<h2 id="alike">')[2].partition('id="decide"')[0]


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_form_that_cannot_be_opened_says_so_on_its_page_and_hides_no_other(
    desk: Desk, damage: Callable[[Keys, str], str]
) -> None:
    broken, alike = desk.apply_at(desk.agencies[2]), desk.apply_at(desk.agencies[2], mobile="0911000222")
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    assert f"/cases/{broken}" in candidates(manager.get(f"/cases/{alike}").text)
    change(desk.services, broken, form_sealed=damage(desk.services.keys, sealed_form(desk.services, broken)))
    for answer in (
        manager.get(f"/cases/{broken}"),
        manager.post(f"/cases/{broken}/approve", data={"version": "1"}),
        manager.post(f"/cases/{broken}/reject", data={"version": "1", "reason": "資料不符"}),
    ):
        assert answer.status_code == 409
        assert "無法讀取" in words_of(answer.text)
    neighbour = manager.get(f"/cases/{alike}")
    assert neighbour.status_code == 200
    assert f"/cases/{broken}" not in candidates(neighbour.text)
    assert manager.get("/cases").status_code == 200
    assert manager.post(f"/cases/{alike}/approve", data={"version": "1"}).status_code == 303


def test_a_case_of_a_type_that_is_gone_is_like_none(desk: Desk) -> None:
    browser = "b" * 32
    case_id = desk.apply_at(desk.agencies[2])
    change(desk.services, case_id, type="nothing")
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    for address in (f"/cases/{case_id}", f"/cases/{case_id}/reject"):
        assert manager.get(address).status_code == 404
    with desk.services.reading() as work:
        with pytest.raises(NotFound):
            work.cases.get(case_id)
        mailbox_key = work.connection.execute(sa.select(cases.c.mailbox_key)).scalar_one()
        assert work.cases.newest_of_mailbox(mailbox_key) is None
    with pytest.raises(NotFound):
        withdraw(Withdraw(browser, case_id), desk.services, APPLICANT)


def test_an_account_is_shown_without_the_case_that_cannot_be_read(desk: Desk) -> None:
    case_id = desk.apply_at(desk.agencies[2])
    manager = desk.browser(desk.manager(desk.agencies[2], "陳經理"))
    manager.post(f"/cases/{case_id}/approve", data={"version": "1"})
    with desk.services.reading() as work:
        account_id = work.cases.get(case_id).account_id
    assert f"/cases/{case_id}" in manager.get(f"/accounts/{account_id}").text
    change(desk.services, case_id, form_sealed="zzz")
    page = manager.get(f"/accounts/{account_id}")
    assert page.status_code == 200
    assert f"/cases/{case_id}" not in page.text
