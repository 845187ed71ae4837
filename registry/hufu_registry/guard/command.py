"""`hufu held-changes`, and those of `hufu agencies` that may take something from many accounts."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import click
import sqlalchemy as sa

from hufu_registry.agencies.command import (
    DATA,
    DAY,
    FILE,
    agencies,
    by_oid,
    day,
    sentence,
    show_report,
    tell,
    too_many,
    unread,
)
from hufu_registry.agencies.model import ImportReport
from hufu_registry.agencies.use_cases import ImportList, import_list
from hufu_registry.guard.model import Change, Done, Held, HeldState, Unconfirmed
from hufu_registry.guard.store import changes_page, held_change_of, list_held_changes
from hufu_registry.guard.use_cases import (
    Command,
    ImportAgencies,
    MergeAgency,
    MoveAgency,
    RenameAgency,
    Work,
    submit,
)
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.clock import Clock
from hufu_registry.kernel.errors import IllegalMove, Invalid, NotFound
from hufu_registry.kernel.paging import MAX_SIZE, Page
from hufu_registry.kernel.work import Services


class OperatorServices(Services[Work], Protocol):
    """What these commands need; the composition stands to the left and hands itself over."""

    @property
    def clock(self) -> Clock: ...
    def read(self) -> AbstractContextManager[sa.Connection]: ...


ServicesOf = Callable[[], OperatorServices]
CONFIRM = click.option(
    "--confirm", type=click.IntRange(min=0), metavar="N", help="you know that it moves up to N accounts"
)


def ask(command: Command, services: OperatorServices, confirm: int | None) -> Any:
    """What the act returns. Where it has to wait, that is said, and the command ends with 3."""
    outcome = submit(command, services, OPERATOR, confirmed=confirm)
    if isinstance(outcome, Done):
        return outcome.result
    if isinstance(outcome, Unconfirmed):
        for change in outcome.changes:
            click.echo(f"  {line_of(change)}")
        click.echo(
            f"this touches {outcome.count} accounts; nothing was done. Run it again with --confirm {outcome.count}"
        )
    else:
        tell_held(outcome)
    raise click.exceptions.Exit(3)


def tell_held(held: Held) -> None:
    click.echo(
        f"this touches {held.count} accounts; nothing was done. It waits for a system manager"
        f" (hufu held-changes show {held.held_id})"
    )


def line_of(change: Change) -> str:
    after = f" → {change.after}" if change.after else ""
    return f"{change.kind} {change.account_name}: {change.before}{after}"


@click.command("import")
@click.argument("list_file", metavar="FILE", type=FILE)
@click.option("--codes", type=FILE, default=DATA / "orgcode_2014.txt", help="lines of code,name")
@click.option("--history", type=FILE, default=DATA / "change.csv", help="renamed and moved agencies")
@click.option("--allow-closing", type=click.IntRange(min=0), metavar="N", help="close up to N agencies")
@CONFIRM
@click.option("--dry-run", is_flag=True, help="report only, write nothing")
@click.option("--json", "as_json", is_flag=True, help="the whole report as JSON")
@click.pass_obj
def import_(
    services_of: ServicesOf,
    list_file: Path,
    codes: Path,
    history: Path,
    allow_closing: int | None,
    confirm: int | None,
    *,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take over the government's open list, in its old or new columns. A second time changes nothing."""
    services = services_of()
    command = ImportList(
        list_file=list_file.read_bytes(),
        codes_file=codes.read_bytes(),
        history_file=history.read_bytes(),
        may_close=allow_closing,
        dry_run=dry_run,
    )
    try:
        if dry_run:
            report = import_list(command, services, OPERATOR)
        else:
            report = ask(ImportAgencies(command, list_file.name), services, confirm)
    except Invalid as fault:
        raise click.ClickException(f"{list_file.name}: {sentence(fault)}; nothing was written") from fault
    except IllegalMove as fault:
        if fault.code != "import_closes_too_many":
            raise
        raise click.ClickException(too_many(**fault.context)) from fault
    if as_json:
        click.echo(json.dumps(asdict(report), ensure_ascii=False, default=str, indent=1))
    else:
        tell_imported(report, services, dry_run=dry_run)
    if report.would_close:
        raise click.ClickException(unread(report))


def tell_imported(report: ImportReport, services: OperatorServices, *, dry_run: bool) -> None:
    show_report(report)
    with services.begin(OPERATOR) as work:
        percent = work.policy.import_close_limit_percent
    if dry_run and report.closes_more_than(percent):
        click.echo(too_many(closing=len(report.gone), agencies=report.open_before, percent=percent))
    if dry_run:
        click.echo("dry run: nothing was written")


@click.command("rename")
@click.argument("agency")
@click.argument("name")
@click.option("--since", type=DAY)
@CONFIRM
@click.pass_obj
def rename(services_of: ServicesOf, agency: str, name: str, since: datetime | None, confirm: int | None) -> None:
    """Give AGENCY another NAME, from a day on."""
    services = services_of()
    place = by_oid(services, agency)
    tell(ask(RenameAgency(place.id, place.version, name, day(services, since)), services, confirm))


@click.command("move")
@click.argument("agency")
@click.argument("parent")
@click.option("--since", type=DAY)
@CONFIRM
@click.pass_obj
def move(services_of: ServicesOf, agency: str, parent: str, since: datetime | None, confirm: int | None) -> None:
    """Hang AGENCY and all below it under PARENT."""
    services = services_of()
    place, above = by_oid(services, agency), by_oid(services, parent)
    tell(ask(MoveAgency(place.id, place.version, above.id, day(services, since)), services, confirm))


@click.command("merge")
@click.argument("agency")
@click.argument("successor")
@click.option("--on", "merged_on", type=DAY, help="the first day on which AGENCY no longer exists")
@CONFIRM
@click.pass_obj
def merge(
    services_of: ServicesOf, agency: str, successor: str, merged_on: datetime | None, confirm: int | None
) -> None:
    """End AGENCY; its people, parts and open cases become SUCCESSOR's."""
    services = services_of()
    place, after = by_oid(services, agency), by_oid(services, successor)
    tell(ask(MergeAgency(place.id, place.version, after.id, day(services, merged_on)), services, confirm))


@click.group()
def held_changes() -> None:
    """Acts that wait for a system manager's release, and what became of them."""


@held_changes.command("list")
@click.option("--state", type=click.Choice([state.value for state in HeldState]), default=HeldState.HELD.value)
@click.pass_obj
def list_(services_of: ServicesOf, state: str) -> None:
    """The acts in a state, newest first."""
    with services_of().read() as connection:
        held_changes = list_held_changes(connection, Page(size=MAX_SIZE), HeldState(state))
    for held_change in held_changes.rows:
        when = f"{held_change.requested_at:%Y-%m-%d %H:%M}"
        click.echo(f"{held_change.id} {when} {held_change.kind} {held_change.cause}: {held_change.count} accounts")
    click.echo(f"{held_changes.total} found")


@held_changes.command("show")
@click.argument("held_id", type=click.UUID)
@click.pass_obj
def show(services_of: ServicesOf, held_id: UUID) -> None:
    """One act, and the first of the accounts it touches."""
    with services_of().read() as connection:
        try:
            held_change = held_change_of(connection, held_id)
        except NotFound as fault:
            raise click.ClickException("there is no such act") from fault
        changes = changes_page(connection, held_id, Page(size=MAX_SIZE))
    click.echo(f"{held_change.kind} {held_change.cause}: {held_change.state.value}, {held_change.count} accounts")
    if held_change.failure or held_change.reason:
        click.echo(held_change.failure or held_change.reason)
    for change in changes.rows:
        click.echo(f"  {line_of(change)}")
    if changes.total > len(changes.rows):
        click.echo(f"  … and {changes.total - len(changes.rows)} more")


for guarded in (import_, rename, move, merge):
    agencies.add_command(guarded)
COMMANDS = (held_changes,)
