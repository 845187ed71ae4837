"""A file is written over the agencies its owner manages then, and is his as long as he manages them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hufu_console.exports import spreadsheet
from hufu_console.exports.jobs import write
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.agencies.model import Agency
from hufu_registry.exports.model import ExportState
from hufu_registry.exports.use_cases import RequestExport, request_export
from hufu_registry.guard.use_cases import MoveAgency, submit
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.ids import AccountId
from hufu_registry.rights.use_cases import appoint_manager, end_grants
from tests.kit.consoles import signed_in
from tests.kit.staff import Staff

LIST = "accounts.people_xlsx"


@dataclass
class Taker:
    """A manager of 測試署, who may have its people as a spreadsheet."""

    staff: Staff
    chain: Sequence[Agency]
    app: Flask
    account_id: AccountId

    def appoint(self, number: int, *, wide: bool = False) -> None:
        agency = self.chain[number]
        appoint_manager(self.account_id, agency.id, self.staff.services, OPERATOR, with_subordinates=wide)

    def dismiss(self) -> None:
        with self.staff.services.begin(SYSTEM) as work:
            end_grants(work, work.grants.standing([self.account_id]), reason="test")

    def asks(self) -> UUID:
        parameters = {"query": {}, "args": {}, "language": "zh_Hant_TW"}
        command = RequestExport(LIST, "accounts", SEE_ACCOUNTS, parameters)
        return request_export(command, self.staff.services, account_actor(self.account_id)).id

    def written(self) -> UUID:
        export_id = self.asks()
        with self.app.app_context():
            write(str(export_id))
        return export_id

    def takes(self, export_id: UUID) -> int:
        return self.browser().get(f"/exports/{export_id}/file").status_code

    def browser(self) -> FlaskClient:
        return signed_in(self.app, self.staff.services, self.account_id)

    def state(self, export_id: UUID) -> ExportState:
        with self.staff.services.begin(SYSTEM) as work:
            return work.exports.get(export_id).state


@pytest.fixture
def taker(app: Flask, staff: Staff, chain: Sequence[Agency]) -> Taker:
    (account_id,) = staff.hire(chain[0])
    made = Taker(staff, chain, app, account_id)
    made.appoint(2, wide=True)
    return made


def moved_away(taker: Taker) -> None:
    chain, services = taker.chain, taker.staff.services
    submit(MoveAgency(chain[3].id, None, chain[1].id, taker.staff.today), services, OPERATOR, confirmed=1000)


def elsewhere(taker: Taker) -> None:
    taker.dismiss()
    taker.appoint(1)


def of_all(taker: Taker) -> None:
    taker.dismiss()
    taker.staff.appoint(taker.account_id, None)


AFTERWARDS: dict[str, tuple[Callable[[Taker], object], int]] = {
    "as it was": (lambda _taker: None, 200),
    "manager elsewhere": (elsewhere, 403),
    "manager of nothing": (Taker.dismiss, 403),
    "without what is below": (lambda taker: taker.appoint(2), 403),
    "what is below moved away": (moved_away, 403),
    "of more": (lambda taker: taker.appoint(1, wide=True), 200),
    "of all": (of_all, 200),
}


@pytest.mark.parametrize("name", AFTERWARDS)
def test_who_lost_a_part_of_his_scope_does_not_get_the_file_written_over_it(taker: Taker, name: str) -> None:
    happens, status = AFTERWARDS[name]
    export_id = taker.written()
    assert taker.takes(export_id) == 200
    happens(taker)
    assert taker.takes(export_id) == status


def test_a_system_managers_file_is_not_an_agency_managers(taker: Taker) -> None:
    of_all(taker)
    export_id = taker.written()
    taker.dismiss()
    taker.appoint(0, wide=True)
    refused = taker.browser().get(f"/exports/{export_id}/file")
    assert (refused.status_code, "已不在您的管轄範圍內" in refused.text) == (403, True)


def test_a_scope_lost_while_it_is_written_gives_no_file_and_the_next_try_the_new_one(
    taker: Taker, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = spreadsheet.workbook

    def slowly(*args: Any, **kwargs: Any) -> Any:
        written = workbook(*args, **kwargs)
        elsewhere(taker)
        return written

    with monkeypatch.context() as patched:
        patched.setattr(spreadsheet, "workbook", slowly)
        export_id = taker.written()
    assert taker.state(export_id) is ExportState.FAILED
    assert taker.staff.recorded("list.exported") == []
    assert taker.browser().post(f"/exports/{export_id}/retry").status_code == 303
    with taker.app.app_context():
        write(str(export_id))
    assert taker.takes(export_id) == 200
