"""The page of a list in the address."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import sqlalchemy as sa
from flask import request

from hufu_console.web.context import reading
from hufu_console.web.numbers import number_of
from hufu_registry.kernel.paging import Page, Paged

T = TypeVar("T")
# A list, to be read page by page: on the page as asked for, in an export one after the other.
Read = Callable[[sa.Connection, Page], Paged[T]]


def asked_page(name: str = "page") -> Page:
    return Page(number_of(request.args.get(name), digits=7) or 1)


def read_page(read: Read[T], page: Page) -> Paged[T]:
    """Where the list has become shorter than the page in an old address says, its last page."""
    with reading() as work:
        found = read(work.connection, page)
        beyond = not found.rows and found.total and page.number > found.pages
        return read(work.connection, replace(page, number=found.pages)) if beyond else found
