"""A PostgreSQL of their own for tests of the registry alone: a fresh database for every test, in a tenth of a second."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

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
from tests.kit.databases import own_database
from tests.kit.registry import CHAIN, Registry
from tests.kit.staff import Staff

PROFILE = PROFILES["test-registry"]
KEEP = os.environ.get("HUFU_KEEP_STACK") == "1"


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
def feature(request: pytest.FixtureRequest) -> str:
    """The one whose addresses are walked, or "" for all."""
    return str(request.config.getoption("--feature"))


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
