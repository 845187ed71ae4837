"""A long export on real processes: asked for in a browser, written by `hufu-exports`, whatever dies meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import redis
import sqlalchemy as sa
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from hufu_console.web.viewer import COOKIE
from hufu_registry.accounts.model import Account
from hufu_registry.agencies.use_cases import ImportList, import_list
from hufu_registry.bootstrap import SqlServices
from hufu_registry.exports.model import ExportState
from hufu_registry.exports.store import exports
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import outbox
from hufu_registry.sessions.use_cases import start_session
from hufu_stack.demo import registry_of
from hufu_stack.stack import Stack
from tests.kit.accounts import official
from tests.kit.browser.chromium import NewBrowser
from tests.kit.browser.judging import judge
from tests.kit.faults.world import until
from tests.kit.stacks import console_alone

MANY = 730
PROCESSES = ("console", "exports")
NAME = "王小明"
OID = "2.16.886.101.29999"
AGENCY = f'OrgName,OID,TEL,Address,DN,OrgCode\n測試院,{OID},,,"o=測試院,c=TW",\n'


@pytest.fixture(scope="module")
def office() -> Iterator[Stack]:
    yield from console_alone("exports")


@pytest.fixture(scope="module")
def services(office: Stack) -> Iterator[SqlServices]:
    built = registry_of(office.profile)
    yield built
    built.engine.dispose()


@pytest.fixture(scope="module")
def system_manager(services: SqlServices) -> Account:
    """With so much work that the list of it is long; each row was tried another number of times."""
    import_list(ImportList(AGENCY.encode()), services, OPERATOR)
    with services.begin(OPERATOR) as work:
        top = work.agencies.find_by_oid(OID)
        assert top is not None
        for number in range(MANY):
            work.outbox.enqueue(OutboxKey(Target.AD, Kind.ACCOUNT, str(UUID(int=number))))
    numbered = sa.select(outbox.c.object_id, sa.func.row_number().over(order_by=outbox.c.object_id).label("number"))
    rows = numbered.subquery()
    with services.engine.begin() as connection:
        connection.execute(
            sa.update(outbox).where(outbox.c.object_id == rows.c.object_id).values(attempts=rows.c.number)
        )
    return official(services, top, "sysmanager", role=Role.SYSTEM_MANAGER)


@pytest.fixture
def page(office: Stack, services: SqlServices, system_manager: Account, new_browser: NewBrowser) -> Page:
    """The browser of the system manager, who has signed in."""
    token = uuid4().hex
    start_session(token, system_manager.id, f"sid-{token}", "id-token", services, SYSTEM)
    context = new_browser(accept_downloads=True)
    context.add_cookies([{"name": COOKIE, "value": token, "url": office.profile.url("console")}])
    return context.new_page()


def ask(page: Page, office: Stack, query: str = "") -> UUID:
    """Ask for the spreadsheet of what waits for Active Directory, by the tries; the export's id."""
    page.goto(f"{office.profile.url('console')}/sync/work?target=ad&sort=-attempts{query}")
    page.get_by_role("button", name="XLSX").click()
    page.wait_for_url("**/exports/*")
    return UUID(page.url.rpartition("/")[2])


def await_file(page: Page) -> None:
    """The page looks again by itself until the file is there."""
    expect(page.get_by_role("link", name="下載")).to_be_visible(timeout=60_000)


def state_of(services: SqlServices, export_id: UUID) -> str:
    with services.read() as connection:
        return str(connection.execute(sa.select(exports.c.state).where(exports.c.id == export_id)).scalar_one())


def tries_in(page: Page, folder: Path) -> list[int]:
    """Download the file; what its column of tries says, from the top."""
    with page.expect_download() as download:
        page.get_by_role("link", name="下載").click()
    path = folder / "work.xlsx"
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith("工作 ")
    head, *rows = load_workbook(path).worksheets[0].iter_rows(values_only=True)
    at = head.index("次數")
    return [int(str(row[at])) for row in rows]


def tries(services: SqlServices) -> list[int]:
    query = sa.select(outbox.c.attempts).where(
        outbox.c.target == Target.AD, outbox.c.generation > outbox.c.applied_generation
    )
    with services.read() as connection:
        return sorted(connection.execute(query).scalars(), reverse=True)


def in_redis(office: Stack) -> str:
    """Everything that stands in Redis."""
    password = office.profile.secret("redis-password").read_text().strip()
    with redis.Redis(port=office.profile.port("redis"), password=password) as client:
        return repr([(key, client.dump(key)) for key in client.scan_iter()])


def test_a_long_export_is_asked_for_watched_and_downloaded(
    office: Stack, services: SqlServices, page: Page, tmp_path: Path
) -> None:
    office.freeze("exports")
    try:
        export_id = ask(page, office)
        expect(page.get_by_text("試算表產生中")).to_be_visible()
        judge(page, in_english=False)
        stored = in_redis(office)
        assert str(export_id) in stored
        assert not [word for word in (NAME, "sysmanager", "attempts") if word in stored]
    finally:
        office.thaw("exports")
    await_file(page)
    judge(page)
    assert tries_in(page, tmp_path) == tries(services)
    assert len(tries(services)) >= MANY


def test_redis_is_killed_before_it_is_begun(office: Stack, services: SqlServices, page: Page, tmp_path: Path) -> None:
    office.freeze("exports")
    ask(page, office)
    office.kill("redis")
    office.thaw("exports")
    page.reload()
    expect(page.get_by_text("試算表產生中")).to_be_visible()
    office.start(["redis"])
    await_file(page)
    assert tries_in(page, tmp_path) == tries(services)


def test_one_asked_for_while_redis_is_away_is_written_when_it_is_back(
    office: Stack, services: SqlServices, page: Page, tmp_path: Path
) -> None:
    office.kill("redis")
    export_id = ask(page, office)
    expect(page.get_by_text("試算表產生中")).to_be_visible()
    assert state_of(services, export_id) == ExportState.WAITING
    office.start(["redis"])
    await_file(page)
    assert tries_in(page, tmp_path) == tries(services)


def test_the_process_is_killed_while_it_writes(
    office: Stack, services: SqlServices, page: Page, tmp_path: Path
) -> None:
    office.freeze("exports")
    export_id = ask(page, office)
    with services.engine.begin() as connection:
        # What is read for the list stands still in the middle.
        connection.execute(sa.text("LOCK TABLE outbox IN ACCESS EXCLUSIVE MODE"))
        office.thaw("exports")
        until(lambda: state_of(services, export_id) == ExportState.RUNNING)
        office.kill("exports")
    page.reload()
    expect(page.get_by_text("試算表產生中")).to_be_visible()
    assert state_of(services, export_id) == ExportState.RUNNING
    office.start(["exports"])
    await_file(page)
    assert tries_in(page, tmp_path) == tries(services)
