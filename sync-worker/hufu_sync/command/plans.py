"""`hufu sync plan`, `apply`, `adopt`: see what would happen, then have it happen, and nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model.plan import PLACE, is_destructive
from hufu_registry.sync.model.plan_file import PlanFile, PlannedObject, changes_of, step_name
from hufu_registry.sync.store.plan_json import from_json, to_json
from hufu_sync.adoption import adopt as adopt_it
from hufu_sync.adoption import adoption_of
from hufu_sync.command.shared import (
    ServicesOf,
    account_of,
    account_option,
    agency_option,
    ask,
    dry_run_option,
    engine,
    json_option,
    scope_of,
    yes_option,
)
from hufu_sync.planning import Applied, Result, apply_plan, is_trouble, make_plan, our_version, todo
from hufu_sync.printing import as_json, table

OWNER_ONLY = 0o600


@click.command()
@agency_option
@account_option
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the plan to a file, for `apply`."
)
@json_option
@click.pass_obj
def plan(
    services_of: ServicesOf, agency: str | None, account: str | None, output: Path | None, *, in_json: bool
) -> None:
    """What the worker would do now: of everything, of an agency and all below it, or of one account.

    Steps marked with ! take something from somebody. A plan holds personal data: a file is readable by you only.
    """
    with engine(services_of) as reach:
        made = make_plan(reach.services, reach.convergers, scope_of(reach.services, agency, account))
    if output is not None:
        write(output, to_json(made))
    if in_json:
        click.echo(to_json(made))
    else:
        show(made)
    sys.exit(1 if any(is_trouble(planned) for planned in made.objects) else 0)


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@agency_option
@account_option
@json_option
@dry_run_option
@yes_option
@click.pass_obj
def apply(
    services_of: ServicesOf,
    file: Path | None,
    agency: str | None,
    account: str | None,
    *,
    in_json: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Do what the plan in FILE shows, or what a fresh plan of an agency or an account shows.

    Each object is brought to what the registry says by then; a destructive step that the plan did not show is not
    done. Also while a target is paused by hand.
    """
    if sum(given is not None for given in (file, agency, account)) != 1:
        raise click.UsageError("name a plan's file, or --agency, or --account")
    if in_json and not (dry_run or yes):
        raise click.UsageError("--json asks nobody: add --yes or --dry-run")
    with engine(services_of) as reach:
        if file is None:
            planned = make_plan(reach.services, reach.convergers, scope_of(reach.services, agency, account))
        else:
            planned = read(file, reach.services)
        if not in_json or dry_run:
            click.echo(to_json(planned)) if in_json else show(planned)
        count = sum(map(todo, planned.objects))
        if dry_run or not count:
            return
        ask(f"Bring {count} objects to this? {planned.destructive} of them lose something.", yes=yes)
        applied = list(_told(apply_plan(reach.services, reach.lanes, planned), in_json=in_json))
    if in_json:
        click.echo(as_json(applied))
    sys.exit(1 if any(outcome.result is not Result.DONE for outcome in applied) else 0)


def _told(applied: Iterator[Applied], *, in_json: bool) -> Iterator[Applied]:
    for outcome in applied:
        if not in_json:
            reason = f" ({outcome.code.value})" if outcome.code is not None else ""
            click.echo(
                f"{outcome.key.target.value} {outcome.key.kind.value} {outcome.title}: {outcome.result.value}{reason}"
            )
        yield outcome


@click.command()
@click.argument("account", metavar="ACCOUNT")
@json_option
@dry_run_option
@yes_option
@click.pass_obj
def adopt(services_of: ServicesOf, account: str, *, in_json: bool, dry_run: bool, yes: bool) -> None:
    """Take over the account that somebody else made in Active Directory under ACCOUNT's name.

    ACCOUNT is one of the registry's, parked for that reason. What would change is shown first. Protected accounts
    are refused.
    """
    if in_json and not (dry_run or yes):
        raise click.UsageError("--json asks nobody: add --yes or --dry-run")
    with engine(services_of) as reach:
        directory = reach.targets.directory
        if directory is None:
            raise NotFound("directory")
        converger = reach.converger_of(Target.AD)
        adoption = adoption_of(account_of(reach.services, account), reach.services, converger, directory)
        planned = adoption.planned()
        if in_json:
            click.echo(as_json({"address": planned.address, "changes": _lines(planned, {})}))
        else:
            for line in table(HEADS, _lines(planned, {})):
                click.echo(line)
        if dry_run:
            return
        ask(f"Take over {planned.address}?", yes=yes)
        adopt_it(adoption, reach.services, directory, OPERATOR)
    if not in_json:
        click.echo("adopted; the worker goes on with it")


def write(path: Path, text: str) -> None:
    """For the owner's eyes only, also where there was a file before."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "w", encoding="utf-8") as file:
        file.write(text)


def read(path: Path, services: SqlServices) -> PlanFile:
    with services.begin(OPERATOR) as work:
        registry_id = work.registry_id()
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise Invalid("plan_malformed", where="the file") from fault
    return from_json(text, version=our_version(), registry_id=registry_id)


HEADS = ("", "target", "kind", "object", "step", "field", "before", "after")


def show(plan_file: PlanFile) -> None:
    rows = [line for planned in plan_file.objects for line in _lines(planned, plan_file.places)]
    if rows:
        for line in table(HEADS, rows):
            click.echo(line)
    changing = sum(bool(planned.steps) for planned in plan_file.objects)
    click.echo(f"{plan_file.looked_at} looked at, {changing} to change, {plan_file.destructive} lose something (!)")


def _lines(planned: PlannedObject, places: Mapping[str, str]) -> Sequence[tuple[str, ...]]:
    """One line a change; then what is left alone, and why nothing is foretold."""
    about = (planned.key.target.value, planned.key.kind.value, planned.title)
    lines = [
        ("!" if is_destructive(step) else "", *about, step_name(step), field, *_shown(field, values, places))
        for step in planned.steps
        for field, *values in changes_of(step)
    ]
    lines += [("", *about, "left alone", field, there, wanted) for field, there, wanted in planned.left]
    if planned.code is not None:
        lines.append(("", *about, f"not foretold: {planned.code.value}", "", "", ""))
    return lines


def _shown(field: str, values: Sequence[str], places: Mapping[str, str]) -> Sequence[str]:
    return [places.get(value, value) for value in values] if field == PLACE else values
