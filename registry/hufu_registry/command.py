"""The `hufu` command: what operators do without a browser."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

import click
from pydantic import ValidationError

from hufu_registry.bootstrap import build_engine, build_services
from hufu_registry.features import FEATURES
from hufu_registry.kernel.errors import HufuError
from hufu_registry.migrating import downgrade, upgrade
from hufu_registry.settings import RegistrySettings, names_of


def settings_from_environment() -> RegistrySettings:
    try:
        return RegistrySettings()
    except ValidationError as fault:
        raise click.ClickException(f"settings missing or wrong: {names_of(fault)}") from fault


@click.group()
@click.pass_context
def hufu(context: click.Context) -> None:
    """虎符: agencies, accounts and the database of the registry."""
    context.obj = lambda: build_services(settings_from_environment())


@hufu.group()
def db() -> None:
    """The database's tables."""


@db.command("upgrade")
def upgrade_tables() -> None:
    """Run the migrations that are missing."""
    settings = settings_from_environment()
    upgrade(build_engine(settings), settings.keys())
    click.echo("database: up to date")


@db.command("downgrade")
@click.argument("revision")
def downgrade_tables(revision: str) -> None:
    """Take migrations back to REVISION ("base" for none)."""
    settings = settings_from_environment()
    downgrade(build_engine(settings), settings.keys(), revision)
    click.echo(f"database: at {revision}")


for feature in FEATURES:
    # A feature with commands has a module `command` that says which: COMMANDS.
    if find_spec(f"hufu_registry.{feature.name}.command"):
        for command in import_module(f"hufu_registry.{feature.name}.command").COMMANDS:
            hufu.add_command(command)
for entry_point in entry_points(group="hufu.commands"):
    hufu.add_command(entry_point.load())


def main() -> None:
    try:
        hufu(standalone_mode=True)
    except HufuError as fault:
        click.echo(f"hufu: {fault}", err=True)
        sys.exit(1)
