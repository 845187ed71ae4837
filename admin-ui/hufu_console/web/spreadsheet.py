"""Lists as XLSX files. Every text is written as text, so that none is ever taken for a formula."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from html import unescape
from typing import TypeVar

import sqlalchemy as sa
import xlsxwriter
from flask import Response, get_template_attribute, send_file
from flask_babel import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from hufu_console.web.context import actor, now, registry
from hufu_console.web.paging import Read
from hufu_console.web.roc_field import write_day
from hufu_registry.audit.use_cases import record_export
from hufu_registry.kernel.clock import TAIPEI, taipei_date
from hufu_registry.kernel.paging import MAX_SIZE, Page, Paged

MOST_ROWS = 10_000
WIDTH = 24
# What Excel allows a sheet to be called.
NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
LONGEST_NAME = 31
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

T = TypeVar("T")
Cell = str | int | datetime | None
Column = tuple[str, Callable[[T], Cell]]


def export(what: str, name: str, columns: Sequence[Column[T]], read: Read[T]) -> Response:
    """The list as a file called `name` and the day; the record of it says `what` was taken, and how many rows.

    A list longer than MOST_ROWS is cut, and its last row says so.
    """
    with one_moment() as connection:
        first = read(connection, Page(1, MAX_SIZE))
        rows = every(first, read, connection)
        count = min(first.total, MOST_ROWS)
        content = workbook(name, columns, rows, cut_of=first.total if first.total > count else None)
    record_export(what, count, registry(), actor())
    today = write_day(taipei_date(now()))
    return send_file(content, mimetype=KIND, as_attachment=True, download_name=f"{name} {today}.xlsx")


@contextmanager
def one_moment() -> Iterator[sa.Connection]:
    """A connection on which all pages of a list are of one moment: no row comes twice or is left out."""
    with registry().read() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def every(first: Paged[T], read: Read[T], connection: sa.Connection) -> Iterator[T]:
    yield from first.rows
    for number in range(2, min(first.pages, MOST_ROWS // MAX_SIZE) + 1):
        yield from read(connection, Page(number, MAX_SIZE)).rows


def workbook(name: str, columns: Sequence[Column[T]], rows: Iterable[T], *, cut_of: int | None) -> io.BytesIO:
    """The file's bytes, written row by row; its sheet is called `name`, as far as a sheet may be."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as book:
        bold, moment = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet(NOT_IN_NAMES.sub(" ", name).strip("' ")[:LONGEST_NAME])
        sheet.set_column(0, len(columns) - 1, WIDTH)
        sheet.freeze_panes(1, 0)
        for at, (header, _value) in enumerate(columns):
            sheet.write_string(0, at, header, bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for at, (_header, value) in enumerate(columns):
                write(sheet, last, at, value(row), moment)
        if cut_of is not None:
            words = _("Only the first %(num)s of %(total)s rows are here. Filter the list to see the others.",
                      num=MOST_ROWS, total=cut_of)  # fmt: skip
            sheet.write_string(last + 1, 0, words, bold)
    content.seek(0)
    return content


def write(sheet: Worksheet, row: int, column: int, value: Cell, moment: Format) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(TAIPEI).replace(tzinfo=None), moment)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, value)


def words(template: str, macro: str, *values: object) -> str:
    """What a macro of the pages says, as plain text."""
    return unescape(str(get_template_attribute(template, macro)(*values))).strip()
