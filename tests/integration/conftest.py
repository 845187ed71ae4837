"""A PostgreSQL of their own for tests of the registry alone: a fresh database for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import ImportList, import_list
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
from tests.kit.databases import Databases, name_of
from tests.kit.realms import RealmOver, scratch_realm
from tests.kit.registry import CHAIN, Registry
from tests.kit.staff import Staff

PROFILE = PROFILES["test-registry"]
KEEP = os.environ.get("HUFU_KEEP_STACK") == "1"


@pytest.fixture(scope="session")
def realm_over(stack: Stack) -> Iterator[RealmOver]:
    """The realm over "ad" or "none", for all tests that leave it as it was: its keys alone take seconds to make. Its people
    stay in the directory as long, so what counts everybody there comes before.
    """
    with ExitStack() as kept:
        yield cache(lambda directory: kept.enter_context(scratch_realm(stack, directory)))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """A running PostgreSQL."""
    stack = Stack(PROFILE)
    if not KEEP:
        stack.reset()
    stack.start(["postgres"])
    try:
        values = {name.removeprefix("HUFU_").lower(): value for name, value in environment(PROFILE, "registry").items()}
        # The rules take it that there is a directory; nothing here speaks to one.
        made = Databases(RegistrySettings.model_validate(values | {"directory": "ad"}))
        try:
            yield made
        finally:
            made.close()
    finally:
        if not KEEP:
            stack.reset()


@pytest.fixture(scope="session")
def migrated(databases: Databases) -> Iterator[RegistrySettings]:
    """A database that is migrated and empty: the template of all others."""
    with databases.lent() as template:
        engine = build_engine(template)
        upgrade(engine, template.keys())
        engine.dispose()
        yield template


@pytest.fixture(scope="session")
def with_chain(databases: Databases, migrated: RegistrySettings) -> Iterator[RegistrySettings]:
    """The template for tests that ask for the chain of agencies: there it is once for all."""
    with databases.lent(name_of(migrated)) as template:
        services = build_services(template)
        import_list(ImportList(CHAIN.encode()), services, OPERATOR)
        services.engine.dispose()
        yield template


@pytest.fixture
def database(request: pytest.FixtureRequest, databases: Databases) -> Iterator[RegistrySettings]:
    """Settings of a database nobody else has: migrated, with the chain of agencies or empty, gone after the test."""
    template = "with_chain" if "chain" in request.fixturenames else "migrated"
    with databases.lent(name_of(request.getfixturevalue(template))) as settings:
        yield settings


@pytest.fixture
def feature(request: pytest.FixtureRequest) -> str:
    """The one whose addresses are walked, or "" for all."""
    return str(request.config.getoption("--feature"))


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def services(databases: Databases, database: RegistrySettings, clock: SetClock) -> Iterator[SqlServices]:
    built = replace(build_services(database), engine=databases.engine(database), clock=clock)
    yield built
    built.engine.dispose()


@pytest.fixture
def chain(services: SqlServices) -> Sequence[Agency]:
    """測試院 › 測試部 › 測試署 › 測試隊, from the top."""
    with services.reading() as work:
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
