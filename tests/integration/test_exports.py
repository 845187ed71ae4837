"""Long lists as files: asked for on a page, written by a process, taken by whoever asked, gone after a day."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from hufu_console.exporter import put_missing, wake_unclaimed
from hufu_console.exports import spreadsheet
from hufu_console.exports.jobs import write
from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.exports.model import FILE_LIFETIME, LOST_AFTER
from hufu_registry.exports.store import exports
from hufu_registry.exports.use_cases import begin_export, settle_exports
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.rights.store import grants
from tests.kit.accounts import official
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console, signed_in

MANY = 120


@pytest.fixture
def much_work(services: SqlServices, system_manager: Account) -> None:
    with services.begin(SYSTEM) as work:
        for number in range(MANY):
            for target in (Target.AD, Target.KEYCLOAK):
                work.outbox.enqueue(OutboxKey(target, Kind.ACCOUNT, str(UUID(int=number))))


def asked(browser: FlaskClient, path: str = "/sync/work.xlsx") -> str:
    """The page of an export that was asked for."""
    answer = browser.post(path)
    assert answer.status_code == 303
    return str(answer.location)


def id_of(page: str) -> str:
    return page.rpartition("/")[2]


def written(app: Flask, page: str) -> None:
    with app.app_context():
        write(id_of(page))


def rows_of(services: SqlServices) -> list[Any]:
    with services.read() as connection:
        return list(connection.execute(sa.select(exports)))


def records(services: SqlServices) -> list[Any]:
    query = sa.select(audit_records).where(audit_records.c.action == "list.exported")
    with services.read() as connection:
        return list(connection.execute(query))


def sheet(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200
    return [list(row) for row in load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True)]


@pytest.mark.usefixtures("much_work")
def test_a_long_list_is_written_by_another_process_and_taken_by_whoever_asked(
    app: Flask, services: SqlServices, browser: FlaskClient, system_manager: Account
) -> None:
    page = asked(browser, "/sync/work.xlsx?target=ad&sort=-requested_at")
    waiting = browser.get(page).text
    assert "試算表產生中" in waiting
    assert f"{page}/progress" in waiting
    assert browser.get(f"{page}/file").status_code == 404
    assert records(services) == []
    written(app, page)
    assert "下載" in browser.get(f"{page}/progress").text
    answer = browser.get(f"{page}/file")
    assert "%E5%B7%A5%E4%BD%9C" in answer.headers["Content-Disposition"]
    found = sheet(answer)
    assert len(found) == 1 + MANY + 2
    assert {row[3] for row in found[1:]} == {"Active Directory"}
    assert found[0][0] == "事項"
    (record,) = records(services)
    assert (record.object_id, record.new, record.actor_id) == ("sync.work", {"rows": MANY + 2}, system_manager.id)


@pytest.mark.usefixtures("much_work")
def test_a_short_list_is_a_file_at_once(services: SqlServices, browser: FlaskClient) -> None:
    assert len(sheet(browser.post("/sync/runs.xlsx"))) == 1
    assert rows_of(services) == []
    assert [record.object_id for record in records(services)] == ["sync.runs"]


@pytest.mark.usefixtures("much_work")
def test_what_is_searched_for_stands_encrypted_and_the_file_too(
    app: Flask, services: SqlServices, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "MAX_SIZE", 1)
    place = browser.post("/sync/work/search", data={"words": "sysmanager", "sort": "attempts"}).location
    page = asked(browser, place.replace("/sync/work?", "/sync/work.xlsx?"))
    written(app, page)
    (row,) = rows_of(services)
    assert "sysmanager" not in f"{row.parameters} {row.words_sealed}"
    assert row.parameters["query"] == {"sort": "attempts"}
    assert row.content_sealed[:2] != b"PK"
    assert len(sheet(browser.get(f"{page}/file"))) >= 1


@pytest.mark.usefixtures("much_work")
def test_an_export_is_its_owners_alone(
    app: Flask, services: SqlServices, browser: FlaskClient, chain: Sequence[Agency]
) -> None:
    page = asked(browser)
    written(app, page)
    other = signed_in(app, services, official(services, chain[0], "sysother", role=Role.SYSTEM_MANAGER).id)
    for path in (page, f"{page}/progress", f"{page}/file", f"/exports/{uuid4()}"):
        assert other.get(path).status_code == 404, path
    assert other.post(f"{page}/retry").status_code == 404
    assert app.test_client().get(f"{page}/file").status_code == 303


@pytest.mark.usefixtures("much_work")
def test_who_lost_the_right_meanwhile_gets_no_file_and_no_record_says_so(
    app: Flask, services: SqlServices, browser: FlaskClient, clock: SetClock
) -> None:
    first, second = asked(browser), asked(browser, "/sync/work.xlsx?target=ad")
    written(app, first)
    with services.engine.begin() as connection:
        connection.execute(sa.update(grants).values(ended_at=clock.now()))
    written(app, second)
    assert browser.get(f"{first}/file").status_code == 403
    assert {row.state for row in rows_of(services)} == {"ready", "failed"}
    assert browser.post(f"{second}/retry").status_code == 403
    assert len(records(services)) == 1


@pytest.mark.usefixtures("much_work")
def test_whoever_asks_twice_gets_the_one_that_is_on_its_way(services: SqlServices, browser: FlaskClient) -> None:
    assert asked(browser) == asked(browser)
    assert asked(browser) != asked(browser, "/sync/work.xlsx?target=ad")
    assert len(rows_of(services)) == 2


@pytest.mark.usefixtures("much_work")
def test_without_redis_it_waits_and_is_put_on_the_queue_when_redis_is_back(
    services: SqlServices, tmp_path: Path, system_manager: Account
) -> None:
    app = make_console(services, tmp_path, redis_url="redis://127.0.0.1:1/0")
    page = asked(signed_in(app, services, system_manager.id))
    put: list[UUID] = []
    with app.app_context():
        wake_unclaimed(put.append)
    assert put == [UUID(id_of(page))]
    written(app, page)
    with app.app_context():
        wake_unclaimed(put.append)
    assert len(put) == 1


def test_what_the_queue_has_is_not_put_there_again() -> None:
    class Known:
        job_ids = (f"export-{UUID(int=1)}",)

        def __init__(self) -> None:
            self.calls: list[dict[str, Any]] = []

        def enqueue_call(self, job: str, **values: Any) -> None:
            self.calls.append({"job": job} | values)

    queue = Known()
    enqueue: Any = put_missing(queue)  # type: ignore[arg-type]
    enqueue(UUID(int=1))
    enqueue(UUID(int=2))
    assert [call["args"] for call in queue.calls] == [[str(UUID(int=2))]]


@pytest.mark.usefixtures("much_work")
def test_one_that_a_process_left_behind_has_failed_and_is_tried_again_by_its_owner(
    app: Flask, services: SqlServices, browser: FlaskClient, clock: SetClock, system_manager: Account
) -> None:
    page = asked(browser)
    assert begin_export(UUID(id_of(page)), services, SYSTEM) is not None
    settle_exports(services, SYSTEM)
    assert "試算表產生中" in browser.get(page).text
    clock.advance(seconds=LOST_AFTER.total_seconds() + 1)
    settle_exports(services, SYSTEM)
    browser = signed_in(app, services, system_manager.id)
    assert "再試一次" in browser.get(page).text
    assert browser.post(f"{page}/retry").status_code == 303
    assert browser.post(f"{page}/retry").status_code == 409
    written(app, page)
    written(app, page)
    assert "下載" in browser.get(page).text
    assert len(records(services)) == 1


@pytest.mark.usefixtures("much_work")
def test_one_that_cannot_be_written_has_failed(
    app: Flask, services: SqlServices, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = asked(browser)
    monkeypatch.setattr(spreadsheet, "workbook", lambda *_args, **_kwargs: 1 / 0)
    written(app, page)
    assert "再試一次" in browser.get(page).text
    assert records(services) == []


def spoiled(services: SqlServices, page: str, **sealed: object) -> None:
    with services.engine.begin() as connection:
        connection.execute(sa.update(exports).where(exports.c.id == UUID(id_of(page))).values(sealed))


def states_of(services: SqlServices) -> dict[str, str]:
    return {str(row.id): row.state for row in rows_of(services)}


@pytest.mark.usefixtures("much_work")
def test_one_whose_words_cannot_be_opened_has_failed_and_its_owner_is_told(
    app: Flask, services: SqlServices, browser: FlaskClient
) -> None:
    page = asked(browser)
    spoiled(services, page, words_sealed="zz")
    assert "試算表產生中" in browser.get(page).text
    assert asked(browser) != page
    written(app, page)
    assert "再試一次" in browser.get(page).text
    put: list[UUID] = []
    with app.app_context():
        wake_unclaimed(put.append)
    assert UUID(id_of(page)) not in put
    assert browser.post(f"{page}/retry").status_code == 303
    written(app, page)
    assert states_of(services)[id_of(page)] == "failed"


@pytest.mark.usefixtures("much_work")
def test_one_whose_words_cannot_be_opened_keeps_nobody_elses_from_being_given_up(
    services: SqlServices, browser: FlaskClient, clock: SetClock
) -> None:
    pages = [asked(browser), asked(browser, "/sync/work.xlsx?target=ad")]
    for page in pages:
        begin_export(UUID(id_of(page)), services, SYSTEM)
    spoiled(services, pages[0], words_sealed="zz")
    clock.advance(seconds=LOST_AFTER.total_seconds() + 1)
    settle_exports(services, SYSTEM)
    assert set(states_of(services).values()) == {"failed"}


@pytest.mark.usefixtures("much_work")
def test_a_file_that_cannot_be_opened_is_no_longer_there(
    app: Flask, services: SqlServices, browser: FlaskClient
) -> None:
    page = asked(browser)
    written(app, page)
    spoiled(services, page, content_sealed=b"zz")
    assert browser.get(f"{page}/file").status_code == 404


@pytest.mark.usefixtures("much_work")
def test_a_file_is_gone_after_a_day(app: Flask, services: SqlServices, browser: FlaskClient, clock: SetClock) -> None:
    page = asked(browser)
    written(app, page)
    clock.advance(seconds=FILE_LIFETIME.total_seconds())
    settle_exports(services, SYSTEM)
    assert rows_of(services) == []
