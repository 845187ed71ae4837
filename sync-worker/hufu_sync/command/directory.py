"""`hufu sync directory check` and `protect`: that Active Directory lets nobody do more than he needs."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import click
from pydantic import ValidationError

from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.outbox import Kind
from hufu_registry.settings import names_of, secret
from hufu_registry.sync.use_cases import note_protection
from hufu_sync.command.shared import EXIT_CODES, ServicesOf, dry_run_option, engine
from hufu_sync.settings import SyncSettings
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
@click.pass_obj
def protect(services_of: ServicesOf, *, dry_run: bool) -> None:
    """Take from every object of ours the rights that the schema gave everybody when it was made.

    What is made from now on has none; this is for those made before, and harmless to repeat. How many it wrote is
    recorded, also where it was broken off.
    """
    count: Counter[Kind] = Counter()
    with engine(services_of) as reach:
        target = reach.targets.directory
        if target is None:
            raise NotFound("directory")
        try:
            for kind in (Kind.AGENCY, Kind.ACCOUNT):
                for observed in chain.from_iterable(target.everything(kind, ())):
                    if observed.protected:
                        continue
                    if not dry_run:
                        target.only_inherit(observed.remote_id)
                    count[kind] += 1
        finally:
            if count and not dry_run:
                note_protection(count, reach.services, OPERATOR)
    click.echo(f"{count.total()} objects {'would have' if dry_run else 'have'} only the rights of our OU")
