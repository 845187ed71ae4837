"""The page of a list in the address."""

from __future__ import annotations

from collections.abc import Callable
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
    with reading() as work:
        return read(work.connection, page)
