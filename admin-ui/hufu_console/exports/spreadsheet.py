"""Lists as XLSX files. Every text is written as text, so that none is ever taken for a formula."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO, Generic, TypeVar
from urllib.parse import quote

import sqlalchemy as sa
import xlsxwriter
from flask import Response, current_app, redirect, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from hufu_console.exports.queue import wake
from hufu_console.web.context import actor, now, registry, settings
from hufu_console.web.language import language
from hufu_console.web.lists import Asked, Cell, Column, ListPage, asked_now
from hufu_console.web.paging import Read, read_page
from hufu_console.web.roc_field import write_day
from hufu_console.web.routing import POST, Route
from hufu_console.web.viewer import viewer
from hufu_registry.exports.model import Export
from hufu_registry.exports.use_cases import RequestExport, Written, record_export, request_export
from hufu_registry.kernel.clock import TAIPEI, taipei_date
from hufu_registry.kernel.errors import Denied, NotFound
from hufu_registry.kernel.paging import MAX_SIZE, Page, Paged
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.texts import isolated
from hufu_registry.rights.store import scope_of

MOST_ROWS = 10_000
PAGES_A_NOTE = 5
WIDTH = 24
# What Excel allows a sheet to be called.
NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
LONGEST_NAME = 31
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

T = TypeVar("T")


class Sheet(Generic[T]):
    """The view of a list's spreadsheet: a short list is a file at once, a long one an export in the background."""

    def __init__(self, of: ListPage[T]) -> None:
        self.of = of
        # Flask's extensions know a view by these.
        self.__name__ = self.__qualname__ = f"sheet of {of.endpoint}"

    def __call__(self, **args: Any) -> ResponseReturnValue:
        of, asked = self.of, asked_now(self.of, args)
        first = read_page(of.read(asked), Page(1, MAX_SIZE))
        if first.total > MAX_SIZE:
            export = request_export(request_of(of, asked), registry(), actor())
            wake(settings(), export.id)
            return redirect(url_for("exports.export", export_id=export.id), 303)
        content, rows = workbook(of.name_of(asked), of.sheet_columns, first.rows, total=first.total)
        record_export(of.recorded_as(asked), rows, permission_of(of), registry(), actor())
        return attached(content, file_name(of, asked), of.recorded)


def attached(content: BinaryIO, name: str, recorded: str) -> Response:
    """A file to be taken; old software that knows no letters but ASCII's gets a name, too."""
    answer = send_file(content, mimetype=KIND)
    plain = f"hufu-{recorded.replace('.', '-').replace('_', '-')}-{taipei_date(now()):%Y%m%d}.xlsx"
    answer.headers.set(
        "Content-Disposition", "attachment", filename=plain, **{"filename*": f"UTF-8''{quote(name, safe='')}"}
    )
    return answer


def sheet_route(rule: str, of: ListPage[Any]) -> Route:
    """The address of a list's spreadsheet; what it is called and who may have it, the list itself says.

    Raises TypeError for a list that names no permission.
    """
    if of.permission is None:
        message = f"The spreadsheet {of.sheet} names no permission."
        raise TypeError(message)
    return Route(rule, of.sheet, Sheet(of), of.permission, POST)


def permission_of(of: ListPage[Any]) -> Permission:
    """What it takes to have its spreadsheet. Raises Denied where nobody said it."""
    if of.permission is None:
        raise Denied("right_missing")
    return of.permission


def list_named(endpoint: str) -> ListPage[Any]:
    """The list whose spreadsheet has this endpoint. Raises NotFound("export") where there is none (any more)."""
    view = current_app.view_functions.get(endpoint)
    if not isinstance(view, Sheet):
        raise NotFound("export")
    return view.of


def request_of(of: ListPage[T], asked: Asked) -> RequestExport:
    """What the process needs to read the list as it is read here; what is searched for is kept apart."""
    query = {name: str(value) for name, value in of.query(asked).items() if value is not None and name != "draft"}
    where = {} if viewer().works_at is None else {"works_at": viewer().works_at}
    parameters = {"query": query, "args": dict(asked.args), "language": language(), **where}
    return RequestExport(of.sheet, of.recorded_as(asked), permission_of(of), parameters, asked.words)


def asked_of(of: ListPage[T], export: Export, words: str) -> Asked:
    query, args = export.parameters["query"], export.parameters["args"]
    if not isinstance(query, dict) or not isinstance(args, dict):
        raise TypeError("an export's parameters are texts by name")
    return of.asked(query, args, words)


def file_name(of: ListPage[T], asked: Asked) -> str:
    """Called as the list is, and the day."""
    return f"{of.name_of(asked)} {write_day(taipei_date(now()))}.xlsx"


def whole(of: ListPage[T], asked: Asked, note: Callable[[int], None]) -> Written:
    """The file of a list of any length, cut after MOST_ROWS, which its last row says.

    `note` is told now and then how many rows are written.
    """
    read = of.read(asked)
    with one_moment() as connection:
        scope = scope_of(connection, viewer().account_id, permission_of(of), now())
        first = read(connection, Page(1, MAX_SIZE))
        content, rows = workbook(
            of.name_of(asked), of.sheet_columns, every(first, read, connection, note), total=first.total
        )
    return Written(content.getvalue(), file_name(of, asked), rows, scope)


@contextmanager
def one_moment() -> Iterator[sa.Connection]:
    """A connection on which all pages of a list are of one moment: no row comes twice or is left out."""
    with registry().read() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


def every(first: Paged[T], read: Read[T], connection: sa.Connection, note: Callable[[int], None]) -> Iterator[T]:
    yield from first.rows
    for number in range(2, min(first.pages, MOST_ROWS // MAX_SIZE) + 1):
        if number % PAGES_A_NOTE == 0:
            note((number - 1) * MAX_SIZE)
        yield from read(connection, Page(number, MAX_SIZE)).rows


def workbook(name: str, columns: Sequence[Column[T]], rows: Iterable[T], *, total: int) -> tuple[io.BytesIO, int]:
    """The file's bytes, written row by row, and how many rows; its sheet is called `name`, as far as a sheet may be."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"constant_memory": True}) as book:
        bold, moment = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet = book.add_worksheet(sheet_name(name))
        sheet.set_column(0, len(columns) - 1, WIDTH)
        sheet.freeze_panes(1, 0)
        for position, column in enumerate(columns):
            sheet.write_string(0, position, str(column.title), bold)
        last = 0
        for last, row in enumerate(rows, start=1):
            for position, column in enumerate(columns):
                write(sheet, last, position, column.value(row), moment)
        if total > MOST_ROWS:
            words = _("Only the first %(num)s of %(total)s rows are here. Filter the list to see the others.",
                      num=MOST_ROWS, total=total)  # fmt: skip
            sheet.write_string(last + 1, 0, words, bold)
    content.seek(0)
    return content, last


def sheet_name(text: str) -> str:
    """As much of it as a sheet may be called; Excel counts in UTF-16."""
    cut = NOT_IN_NAMES.sub(" ", text).strip("' ").encode("utf-16-le")[: 2 * LONGEST_NAME]
    return cut.decode("utf-16-le", "ignore").strip("' ")


def write(sheet: Worksheet, row: int, column: int, value: Cell, moment: Format) -> None:
    if isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(TAIPEI).replace(tzinfo=None), moment)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, isolated(value))
