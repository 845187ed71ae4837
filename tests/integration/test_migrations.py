"""Migrations bring an empty database to exactly the tables the code knows, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable

from hufu_registry import migrating
from hufu_registry.bootstrap import build_engine, build_services
from hufu_registry.cases.engine.store import cases
from hufu_registry.cases.types.activation import application_of
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.keys import Keys
from hufu_registry.migrating import MIGRATIONS
from hufu_registry.settings import RegistrySettings
from hufu_registry.tables import metadata

CATALOGUE = """
SELECT 'column' AS what, table_name || '.' || column_name AS name,
       concat_ws(' ', data_type, is_nullable, column_default, collation_name, is_identity) AS definition
  FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
  FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
UNION ALL
SELECT 'sequence', sequencename, start_value::text FROM pg_sequences WHERE schemaname = 'public'
UNION ALL
SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
"""

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
# Every revision before the newest, oldest first.
EARLIER = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))][:-1]
SOME_TIME = datetime(2026, 1, 2, tzinfo=UTC)
SOME_VALUE: dict[type, Any] = {
    str: "x",
    int: 1,
    bool: False,
    bytes: b"x",
    date: SOME_TIME.date(),
    datetime: SOME_TIME,
    UUID: UUID(int=1),
    object: {},  # JSONB
    list: [],
}
# Where a rule speaks of two columns at once.
ALLOWED_TOGETHER: dict[str, dict[str, Any]] = {
    "cases": {"state": "pending", "decided_at": None},
    "grants": {"role": "system_manager"},
}

KEYS = Keys(data=b"d" * 32, index=b"i" * 32, audit=b"a" * 32)


def upgrade(engine: sa.Engine, lock_timeout: str = migrating.LOCK_TIMEOUT) -> None:
    migrating.upgrade(engine, KEYS, lock_timeout=lock_timeout)


def downgrade(engine: sa.Engine, revision: str) -> None:
    migrating.downgrade(engine, KEYS, revision)


@pytest.fixture
def engine(database: RegistrySettings) -> Iterator[sa.Engine]:
    engine = build_engine(database)
    yield engine
    engine.dispose()


def catalogue(engine: sa.Engine) -> dict[tuple[str, str], str]:
    """Everything but Alembic's own table."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text(CATALOGUE)).all()
    return {(row.what, row.name): row.definition for row in rows if "alembic" not in row.name}


def test_the_migrations_make_exactly_the_tables_the_code_knows(engine: sa.Engine) -> None:
    migrated = catalogue(engine)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.text(f"DROP TABLE {table.name} CASCADE"))
        connection.execute(sa.text("DROP SEQUENCE case_numbers"))
    metadata.create_all(engine)
    assert catalogue(engine) == migrated


def test_back_to_nothing_and_up_again_leaves_the_same_tables(engine: sa.Engine) -> None:
    before = catalogue(engine)
    downgrade(engine, "base")
    assert catalogue(engine) == {}
    upgrade(engine)
    assert catalogue(engine) == before


@pytest.mark.parametrize("revision", EARLIER)
def test_back_to_each_step_and_up_again_leaves_the_same_tables(engine: sa.Engine, revision: str) -> None:
    """Not only to nothing: there every forgotten column goes with its table."""
    before = catalogue(engine)
    downgrade(engine, revision)
    upgrade(engine)
    assert catalogue(engine) == before


def test_two_processes_that_migrate_at_once_do_not_disturb_each_other(engine: sa.Engine) -> None:
    before = catalogue(engine)
    downgrade(engine, "base")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: upgrade(engine), range(3)))
    assert catalogue(engine) == before


def rows(engine: sa.Engine) -> dict[str, list[dict[str, object]]]:
    """Every table's rows, but Alembic's own."""
    tables = reflected(engine)
    with engine.connect() as connection:
        return {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in tables.sorted_tables
        }


def reflected(engine: sa.Engine) -> sa.MetaData:
    found = sa.MetaData()
    found.reflect(engine, only=lambda name, _: "alembic" not in name)
    return found


def fill(engine: sa.Engine) -> None:
    """A row in every table, whatever the tables are at this revision."""
    found = reflected(engine)
    with engine.begin() as connection:
        for table in found.sorted_tables:
            if connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0:
                connection.execute(sa.insert(table).values(row_for(connection, table)))


def row_for(connection: sa.Connection, table: sa.Table) -> dict[str, Any]:
    """A value in each column: what it must refer to, the first word that is allowed, its default, or any."""
    allowed = {
        match[1]: match[2]
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
        and (match := re.match(r"\(?(\w+) = ANY \(ARRAY\['(\w+)'[^=]*$", str(check.sqltext)))
    }
    values: dict[str, Any] = {}
    for column in table.columns:
        foreign = next(iter(column.foreign_keys), None)
        if column.identity or column.server_default is not None or (foreign is not None and column.nullable):
            continue
        if foreign is not None and foreign.column.table is not table:
            values[column.name] = connection.execute(sa.select(foreign.column).limit(1)).scalar_one()
        else:
            values[column.name] = allowed.get(column.name) or SOME_VALUE[column.type.python_type]
    return values | ALLOWED_TOGETHER.get(table.name, {})


@pytest.mark.parametrize("revision", EARLIER)
def test_what_stands_in_the_tables_goes_up_and_down_with_them(engine: sa.Engine, revision: str) -> None:
    downgrade(engine, revision)
    fill(engine)
    before = rows(engine)
    assert all(before.values())
    upgrade(engine)
    fill(engine)  # the newer tables too: they go, and nothing else goes with them
    downgrade(engine, revision)
    assert rows(engine) == before


def test_a_form_of_before_is_sealed_on_the_way_up_and_read(database: RegistrySettings) -> None:
    services = build_services(database)
    migrating.downgrade(services.engine, services.keys, "0011")
    fill(services.engine)
    told = {"type": "activation", "mobile_sealed": services.keys.seal("mobile", "0912345678"), "reason": "新進人員"}
    told |= {"mobile_key": services.keys.index("mobile", "0912345678"), "mailbox_sealed": ""}
    with services.engine.begin() as connection:
        connection.execute(sa.update(reflected(services.engine).tables["cases"]).values(told))
    migrating.upgrade(services.engine, services.keys)
    with services.reading() as work:
        form = application_of(work.cases.get(CaseId(UUID(int=1))))
        row = work.connection.execute(sa.select(cases)).one()
    services.engine.dispose()
    assert (form.profile.mobile, form.reason, form.account_name) == ("0912345678", "新進人員", "x")
    assert row.person_keys == [told["mobile_key"]]
    assert "新進人員" not in str(row)


def test_an_account_that_was_restored_has_the_time_of_its_approval_again(engine: sa.Engine) -> None:
    restored_at = SOME_TIME + timedelta(days=400)
    downgrade(engine, "0019")
    fill(engine)
    with engine.begin() as connection:
        connection.execute(sa.update(reflected(engine).tables["accounts"]).values(approved_at=restored_at))
    upgrade(engine)
    with engine.connect() as connection:
        row = connection.execute(sa.select(reflected(engine).tables["accounts"])).one()
    assert (row.approved_at, row.renewed_at) == (SOME_TIME, restored_at)


def test_a_migration_that_gets_no_lock_gives_up_and_leaves_nothing(engine: sa.Engine) -> None:
    downgrade(engine, "0003")
    before = catalogue(engine)
    with engine.connect() as reader:
        for name in sa.inspect(engine).get_table_names():
            reader.execute(sa.text(f"LOCK TABLE {name} IN ACCESS SHARE MODE"))
        with pytest.raises(sa.exc.OperationalError) as refused:
            upgrade(engine, lock_timeout="50ms")
    assert isinstance(refused.value.orig, LockNotAvailable)
    assert catalogue(engine) == before
    with engine.connect() as connection:
        assert connection.execute(sa.text("SHOW lock_timeout")).scalar_one() == "0"
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SHOW lock_timeout")).scalar_one() == "0"
