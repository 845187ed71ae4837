"""Migrations bring an empty database to exactly the tables the code knows, and back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from hufu_registry.bootstrap import build_engine
from hufu_registry.migrating import downgrade, upgrade
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


@pytest.mark.parametrize("revision", ["0001", "0002"])
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
