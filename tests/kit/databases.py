"""A database for one test: a copy of a template, gone afterwards."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import sqlalchemy as sa
from psycopg.errors import InsufficientPrivilege

from hufu_registry.bootstrap import build_engine
from hufu_registry.settings import RegistrySettings


@contextmanager
def own_database(settings: RegistrySettings, template: str) -> Iterator[RegistrySettings]:
    """Settings of a new database, a copy of `template`; gone afterwards."""
    name = f"t{uuid4().hex}"
    url = sa.make_url(settings.database_url)
    elsewhere = settings.model_copy(update={"database_url": str(url.set(database="postgres"))})
    maker = build_engine(elsewhere).execution_options(isolation_level="AUTOCOMMIT")
    with maker.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
    try:
        yield settings.model_copy(update={"database_url": str(url.set(database=name))})
    finally:
        try:
            drop_database(maker, name)
        finally:
            maker.dispose()


def drop_database(maker: sa.Engine, name: str) -> None:
    """With whoever is still connected; only PostgreSQL's own vacuum cannot be sent away, and is waited for."""
    deadline = time.monotonic() + 30
    while True:
        try:
            with maker.connect() as connection:
                connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        except sa.exc.ProgrammingError as error:
            if not isinstance(error.orig, InsufficientPrivilege) or time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
