"""Databases for one test each: copies of a template."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege

from hufu_registry.bootstrap import build_engine
from hufu_registry.settings import RegistrySettings

EMPTY = "template1"


class Databases:
    """Made and dropped over one connection.

    A database is dropped when the next one is made: PostgreSQL waits a tenth of a second for whoever has only just left.
    """

    def __init__(self, settings: RegistrySettings) -> None:
        self._settings = settings
        self._url = sa.make_url(settings.database_url)
        elsewhere = settings.model_copy(update={"database_url": str(self._url.set(database="postgres"))})
        self._maker = build_engine(elsewhere).execution_options(isolation_level="AUTOCOMMIT")
        self._left: list[str] = []
        self._shared: sa.Engine | None = None
        self._at = ""

    def engine(self, settings: RegistrySettings) -> sa.Engine:
        """An engine of that database, one test's at a time: what it compiled for one test serves the next.

        Dispose of it at the test's end: from then on it connects to where it is asked for next.
        """
        if self._shared is None:
            self._shared = build_engine(settings)
            sa.event.listen(self._shared, "do_connect", self._there)
        self._at = name_of(settings)
        return self._shared

    def copy(self, template: str = EMPTY) -> RegistrySettings:
        """Settings of a new database that nobody else has."""
        self.drop_left()
        name = f"t{uuid4().hex}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self._settings.model_copy(update={"database_url": str(self._url.set(database=name))})

    @contextmanager
    def lent(self, template: str = EMPTY) -> Iterator[RegistrySettings]:
        """The same until the end of the block."""
        settings = self.copy(template)
        try:
            yield settings
        finally:
            self._left.append(name_of(settings))

    def drop_left(self) -> None:
        while self._left:
            self._drop(self._left.pop())

    def close(self) -> None:
        try:
            self.drop_left()
        finally:
            self._maker.dispose()

    def _there(self, _dialect: Any, _record: Any, _arguments: Any, options: dict[str, Any]) -> None:
        options["dbname"] = self._at

    def _drop(self, name: str) -> None:
        """With whoever is still connected; only PostgreSQL's own vacuum cannot be sent away, and is waited for."""
        deadline = time.monotonic() + 30
        while True:
            try:
                self._run(f"DROP DATABASE {name} WITH (FORCE)")
            except sa.exc.ProgrammingError as error:
                if not isinstance(error.orig, InsufficientPrivilege) or time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
            else:
                return

    def _run(self, statement: str) -> None:
        with self._maker.connect() as connection:
            connection.execute(sa.text(statement))


def name_of(settings: RegistrySettings) -> str:
    name = sa.make_url(settings.database_url).database
    assert name is not None
    return name
