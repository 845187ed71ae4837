"""`hufu sync directory check` and `protect`: that Active Directory lets nobody do more than he needs."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import click
from pydantic import ValidationError

from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.outbox import Kind
from hufu_registry.settings import names_of, secret
from hufu_sync.command.shared import EXIT_CODES, dry_run_option
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.directory_rights import doors_of_account, doors_of_domain
from hufu_sync.targets.ldap_connection import DirectorySettings


@click.group(epilog=EXIT_CODES)
def directory() -> None:
    """What Active Directory lets whom do; with the worker's settings."""


def _settings() -> DirectorySettings:
    try:
        settings = SyncSettings().directory_settings()
    except ValidationError as fault:
        raise click.ClickException(f"this needs the worker's settings; missing or wrong: {names_of(fault)}") from fault
    if settings is None:
        raise NotFound("directory")
    return settings


@directory.command()
@click.option("--as", "bind_dn", metavar="DN", help="Also what this account may do: an official's, or the reader's.")
@click.option("--password-file", type=click.Path(exists=True, path_type=Path), help="That account's password.")
@click.option("--reads", is_flag=True, help="That account is meant to read ours (other systems' reader).")
def check(bind_dn: str | None, password_file: Path | None, *, reads: bool) -> None:
    """Say which doors stand open; exits with 1 when one does. Writes nothing."""
    settings = _settings()
    doors = list(doors_of_domain(settings))
    if bind_dn is not None:
        if password_file is None:
            raise click.UsageError("--as needs --password-file")
        word = secret(password_file).get_secret_value()
        doors += doors_of_account(replace(settings, bind_dn=bind_dn, bind_password=word), reads=reads)
    for door in doors:
        click.echo(f"! {door}")
    if not doors:
        asked = "the domain's settings" if bind_dn is None else f"the domain's settings and {bind_dn}"
        click.echo(f"no door stands open: {asked}")
    sys.exit(1 if doors else 0)


@directory.command()
@dry_run_option
def protect(*, dry_run: bool) -> None:
    """Take from every object of ours the rights that the schema gave everybody when it was made.

    What is made from now on has none; this is for those made before, and harmless to repeat.
    """
    target, count = ActiveDirectory(_settings()), 0
    for kind in (Kind.AGENCY, Kind.ACCOUNT):
        for page in target.everything(kind, ()):
            for observed in page:
                if observed.protected:
                    continue
                if not dry_run:
                    target.only_inherit(observed.remote_id)
                count += 1
    target.close()
    click.echo(f"{count} objects {'would have' if dry_run else 'have'} only the rights of our OU")
