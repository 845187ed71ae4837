"""What runs from right to left turns nothing beside it, in pages, mails and spreadsheets."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import uuid4

import pytest
from openpyxl import load_workbook

from hufu_console.exports.spreadsheet import workbook
from hufu_console.web.lists import Column
from hufu_registry.cases.notices import CASE_REJECTED
from hufu_registry.kernel.texts import isolated
from hufu_registry.notices.model import Notice
from hufu_registry.notices.rendering import NoticeTemplates

TEMPLATES = Path(__file__).parents[2] / "admin-ui/hufu_console/templates"
NAME = "محمد"
ISOLATED = f"\u2068{NAME}\u2069"


@pytest.mark.parametrize("name", [NAME, "דוד", "\U0001e900", f"王{NAME}"])
def test_a_name_from_right_to_left_stands_by_itself(name: str) -> None:
    assert isolated(name) == f"\u2068{name}\u2069"


@pytest.mark.parametrize("name", ["王小明", "Ōyama", "𠮷田", "邱·阿美", ""])
def test_every_other_name_stays_as_it_is(name: str) -> None:
    assert isolated(name) == name


def test_what_a_template_sends_back_is_not_changed() -> None:
    sent = {
        (path.name, found)
        for path in TEMPLATES.rglob("*.html")
        for found in re.findall(r'value="\{\{(.*?)\}\}"', path.read_text())
        if "csrf_token" not in found and not found.rstrip().endswith("|e")
    }
    assert sent == set()


def test_a_spreadsheet_isolates_it() -> None:
    columns: tuple[Column[str], ...] = (Column("name", "姓名", lambda row: row),)
    content, _rows = workbook("名冊", columns, [NAME, "王小明"], total=2)
    sheet = load_workbook(content).active
    assert sheet is not None
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [ISOLATED, "王小明"]


@pytest.mark.parametrize("language", ["zh_Hant_TW", "en"])
def test_a_mail_isolates_it_as_text_and_as_html(language: str) -> None:
    values = {name: str(value) for name, value in CASE_REJECTED.sample.items()} | {"name": NAME, "reason": NAME}
    notice = Notice(uuid4(), CASE_REJECTED.name, language, "p@example.org", values)
    mail = NoticeTemplates([CASE_REJECTED]).render([notice], console_url="https://console.example")
    for body in (mail.text, mail.html):
        assert body.count(NAME) == body.count(ISOLATED) > 1
