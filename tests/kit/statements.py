"""What PostgreSQL is asked while a page is made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

WRITES = re.compile(r"^\s*(INSERT|UPDATE|DELETE|NOTIFY|LOCK|ANALYZE)\b|\bFOR (NO KEY )?(UPDATE|SHARE)\b", re.IGNORECASE)


@dataclass
class Recorder:
    """`writable` are the statements of transactions in which PostgreSQL would have let them write."""

    statements: list[str] = field(default_factory=list)
    writable: list[str] = field(default_factory=list)
    transactions: int = 0

    @property
    def writes(self) -> list[str]:
        return [statement for statement in self.statements if WRITES.search(statement)]

    def on_statement(self, connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        self.statements.append(statement)
        driver: Any = connection.connection.driver_connection
        if not driver.read_only:
            self.writable.append(statement)

    def on_begin(self, _connection: sa.Connection) -> None:
        self.transactions += 1


@contextmanager
def recorded(engine: sa.Engine) -> Iterator[Recorder]:
    recorder = Recorder()
    sa.event.listen(engine, "before_cursor_execute", recorder.on_statement)
    sa.event.listen(engine, "begin", recorder.on_begin)
    try:
        yield recorder
    finally:
        sa.event.remove(engine, "before_cursor_execute", recorder.on_statement)
        sa.event.remove(engine, "begin", recorder.on_begin)
