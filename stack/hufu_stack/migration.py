"""Writes the migration that is missing: what the code's tables have and the migrations do not make yet."""

import subprocess
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.script import ScriptDirectory

from hufu_registry.bootstrap import build_engine
from hufu_registry.kernel.keys import Keys
from hufu_registry.migrating import config, upgrade
from hufu_registry.settings import RegistrySettings
from hufu_stack.environment import environment
from hufu_stack.layout import PROFILES
from hufu_stack.ours import script
from hufu_stack.stack import Stack

# A database of its own, gone afterwards.
PROFILE = PROFILES["migration"]


def write_migration(name: str) -> Path:
    """Compare a database at the newest revision with the code's tables; return the file, to be read and mended."""
    stack = Stack(PROFILE)
    stack.reset()
    stack.start(["postgres"])
    try:
        values = {key.removeprefix("HUFU_").lower(): value for key, value in environment(PROFILE, "registry").items()}
        return write_migration_from(RegistrySettings.model_validate(values), name)
    finally:
        stack.reset()


def write_migration_from(database: RegistrySettings, name: str) -> Path:
    """The same with this database, which is empty, or at any revision."""
    engine, keys = build_engine(database), database.keys()
    try:
        upgrade(engine, keys)
        with engine.connect() as connection:
            written = _compare(connection, keys, name)
    finally:
        engine.dispose()
    subprocess.run([script("ruff"), "format", "--quiet", str(written)], check=True)
    return written


def _compare(connection: sa.Connection, keys: Keys, name: str) -> Path:
    settings = config(connection, keys)
    newest = max(int(script.revision) for script in ScriptDirectory.from_config(settings).walk_revisions())
    made = command.revision(settings, name, autogenerate=True, rev_id=f"{newest + 1:04}")
    if made is None or isinstance(made, list):
        raise TypeError("one migration was asked for")
    return Path(made.path)
