"""A PostgreSQL of their own for tests of the registry alone: a fresh database for every test, in a tenth of a second."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from psycopg.errors import InsufficientPrivilege

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import (
    ImportList,
    import_list,
)
from hufu_registry.bootstrap import SqlServices, build_engine, build_services
from hufu_registry.kernel.actor import OPERATOR, Actor
from hufu_registry.kernel.permissions import Role
from hufu_registry.migrating import upgrade
from hufu_registry.settings import RegistrySettings
from hufu_stack.environment import environment
from hufu_stack.layout import PROFILES
from hufu_stack.stack import Stack
from tests.kit.accounts import official
from tests.kit.clocks import SetClock
from tests.kit.consoles import make_console, signed_in
from tests.kit.registry import CHAIN, Registry
from tests.kit.staff import Staff

PROFILE = PROFILES["test-registry"]
KEEP = os.environ.get("HUFU_KEEP_STACK") == "1"


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


@pytest.fixture(scope="session")
def migrated() -> Iterator[RegistrySettings]:
    """A running PostgreSQL, and in it a database that is migrated and empty: the template of all others."""
    stack = Stack(PROFILE)
    if not KEEP:
        stack.reset()
    stack.start(["postgres"])
    try:
        values = {name.removeprefix("HUFU_").lower(): value for name, value in environment(PROFILE, "registry").items()}
        # The rules take it that there is a directory; nothing here speaks to one.
        settings = RegistrySettings.model_validate(values | {"directory": "ad"})
        with own_database(settings, "template1") as template:
            engine = build_engine(template)
            upgrade(engine, template.keys())
            engine.dispose()
            yield template
    finally:
        if not KEEP:
            stack.reset()


@pytest.fixture
def database(migrated: RegistrySettings) -> Iterator[RegistrySettings]:
    """Settings of a database nobody else has: migrated, empty, gone after the test."""
    template = sa.make_url(migrated.database_url).database
    assert template is not None
    with own_database(migrated, template) as settings:
        yield settings


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(database: RegistrySettings, clock: SetClock) -> Iterator[SqlServices]:
    built = replace(build_services(database), clock=clock)
    yield built
    built.engine.dispose()


@pytest.fixture
def chain(services: SqlServices) -> Sequence[Agency]:
    """測試院 › 測試部 › 測試署 › 測試隊, from the top."""
    import_list(ImportList(CHAIN.encode()), services, OPERATOR)
    with services.begin(OPERATOR) as work:
        lowest = work.agencies.find_by_oid("2.16.886.101.29999.20001.20001.20001")
        assert lowest is not None
        return work.agencies.ancestors(lowest.id)


@pytest.fixture
def staff(services: SqlServices) -> Staff:
    return Staff(services)


@pytest.fixture
def administrator(staff: Staff, chain: Sequence[Agency]) -> Actor:
    actor = staff.system_manager(chain[0])
    staff.settle()
    return actor


@pytest.fixture
def app(services: SqlServices, tmp_path: Path) -> Flask:
    return make_console(services, tmp_path)


@pytest.fixture
def system_manager(services: SqlServices, chain: Sequence[Agency]) -> Account:
    return official(services, chain[0], "sysmanager", role=Role.SYSTEM_MANAGER)


@pytest.fixture
def browser(app: Flask, services: SqlServices, system_manager: Account) -> FlaskClient:
    """The system manager's; its pages are in Chinese."""
    return signed_in(app, services, system_manager.id)


@pytest.fixture
def registry(services: SqlServices, clock: SetClock) -> Registry:
    return Registry(services, clock)


@pytest.fixture
def managers(staff: Staff, chain: Sequence[Agency]) -> tuple[Actor, Actor]:
    """Two system managers; they stand at the top, where they are in nobody's way."""
    return staff.system_manager(chain[0]), staff.system_manager(chain[0])
