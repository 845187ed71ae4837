"""Migrations are one line: two that were written at the same time are noticed before anybody's database is."""

from __future__ import annotations

from alembic.script import ScriptDirectory

from hufu_registry.migrating import MIGRATIONS


def test_there_is_one_newest_migration() -> None:
    assert len(ScriptDirectory(str(MIGRATIONS)).get_heads()) == 1
