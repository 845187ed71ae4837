"""`hufu sync drift`, `compare`: what somebody else changed, and what becomes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime

import click

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.kernel.paging import MAX_SIZE, Page
from hufu_registry.sync import use_cases
from hufu_registry.sync.model import Drift
from hufu_registry.sync.model.plan_file import Scope
from hufu_registry.sync.store import drift_of, drift_rows
from hufu_registry.sync.store.plan_json import to_json
from hufu_sync.command.plans import show
from hufu_sync.command.shared import (
    ServicesOf,
    act_on,
    dry_run_option,
    engine,
    json_option,
    key_of,
    one_object,
    state_target_argument,
    target_option,
)
from hufu_sync.comparison import Comparison
from hufu_sync.planning import make_plan
from hufu_sync.printing import as_json, moment, printable, table

field_option = click.option("--field", required=True, metavar="FIELD", help="As `hufu sync drift` names it.")


@click.group(invoke_without_command=True)
@target_option
@click.option("--ignored", is_flag=True, help="Those that are ignored for now.")
@json_option
@click.pass_context
def drift(context: click.Context, target: Target | None, *, ignored: bool, in_json: bool) -> None:
    """What differs, since when; without a further command, the list."""
    if context.invoked_subcommand is not None:
        return
    rows = list(_rows(context.obj(), target, ignored=ignored))
    if in_json:
        click.echo(as_json(rows))
        return
    heads = ("target", "kind", "object", "agency", "field", "there", "registry", "since", "acceptable")
    lines = [
        (
            row.key.target.value,
            row.key.kind.value,
            row.title,
            row.agency_name,
            row.field,
            row.there,
            row.wanted,
            moment(row.since),
            "yes" if row.acceptable else "no",
        )
        for row in rows
    ]
    for line in table(heads, lines):
        click.echo(line)


def _rows(services: SqlServices, target: Target | None, *, ignored: bool) -> Iterator[Drift]:
    number, now = 1, services.clock.now()
    with services.read() as connection:
        while True:
            page = drift_rows(
                connection, services.keys, Page(number, MAX_SIZE), target=target, ignored=ignored, now=now
            )
            yield from page.rows
            if number >= page.pages:
                return
            number += 1


@drift.command()
@one_object
@field_option
@dry_run_option
@click.pass_obj
def accept(
    services_of: ServicesOf, target: Target, agency: str | None, account: str | None, field: str, *, dry_run: bool
) -> None:
    """Take TARGET's value over into the registry."""
    services = services_of()
    act_on(
        _difference(services, key_of(services, target, agency, account), field),
        "accepted",
        lambda key: use_cases.accept_drift(key, field, services, OPERATOR),
        dry_run=dry_run,
    )


@drift.command()
@one_object
@field_option
@dry_run_option
@click.pass_obj
def overwrite(
    services_of: ServicesOf, target: Target, agency: str | None, account: str | None, field: str, *, dry_run: bool
) -> None:
    """Write the registry's value into TARGET."""
    services = services_of()
    act_on(
        _difference(services, key_of(services, target, agency, account), field),
        "overwritten",
        lambda key: use_cases.overwrite_drift(key, field, services, OPERATOR),
        dry_run=dry_run,
    )


@drift.command()
@one_object
@field_option
@click.option("--until", required=True, type=click.DateTime(formats=["%Y-%m-%d"]), help="The day it is shown again.")
@dry_run_option
@click.pass_obj
def ignore(
    services_of: ServicesOf,
    target: Target,
    agency: str | None,
    account: str | None,
    field: str,
    until: datetime,
    *,
    dry_run: bool,
) -> None:
    """Leave it as it is, and out of the list, until a day."""
    services = services_of()
    act_on(
        _difference(services, key_of(services, target, agency, account), field),
        f"ignored until {until:%Y-%m-%d}",
        lambda key: use_cases.ignore_drift(key, field, until.date(), services, OPERATOR),
        dry_run=dry_run,
    )


@drift.command("list-again")
@one_object
@field_option
@dry_run_option
@click.pass_obj
def list_again(
    services_of: ServicesOf, target: Target, agency: str | None, account: str | None, field: str, *, dry_run: bool
) -> None:
    """Ignore it no longer."""
    services = services_of()
    act_on(
        _difference(services, key_of(services, target, agency, account), field),
        "listed again",
        lambda key: use_cases.list_drift_again(key, field, services, OPERATOR),
        dry_run=dry_run,
    )


def _difference(services: SqlServices, key: OutboxKey, field: str) -> Mapping[OutboxKey, str]:
    """The object, and what is said of it. Raises NotFound("drift")."""
    with services.read() as connection:
        row = drift_of(connection, services.keys, key, field)
    return {key: printable(f"{row.title} {field}: {row.there} (there), {row.wanted} (registry)")}


@click.command()
@state_target_argument
@json_option
@dry_run_option
@click.pass_obj
def compare(services_of: ServicesOf, target: Target, *, in_json: bool, dry_run: bool) -> None:
    """Compare everybody in TARGET with the registry now; what differs is then in `drift`.

    With --dry-run nothing is noted: the differences are shown as a plan.
    """
    with engine(services_of) as reach:
        converger = reach.converger_of(target)
        if dry_run:
            made = make_plan(reach.services, [converger], Scope())
            click.echo(to_json(made)) if in_json else show(made)
            return
        run_id = use_cases.request_comparison(target, reach.services, OPERATOR)
        tally = Comparison(converger).run(run_id)
    if tally is None:
        raise click.ClickException("somebody else compares it already")
    if in_json:
        click.echo(as_json(tally))
    else:
        click.echo(f"{tally.objects} compared, {tally.differing} differ, {tally.failed} could not be compared")
    sys.exit(1 if tally.failed else 0)
