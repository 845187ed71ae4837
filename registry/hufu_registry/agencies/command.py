"""`hufu agencies`: the government's lists, and single changes by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

import click
import sqlalchemy as sa

from hufu_registry.agencies import use_cases
from hufu_registry.agencies.model import OID, Agency, Finding, ImportReport, Rejected
from hufu_registry.agencies.store import search
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.clock import Clock, taipei_date
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.paging import MAX_SIZE, Page
from hufu_registry.kernel.work import Services

DATA = Path(__file__).parent / "data"
SHOWN = 50


class OperatorServices(Services[use_cases.Work], Protocol):
    """What these commands need; the composition stands to the left and hands itself over."""

    @property
    def clock(self) -> Clock: ...
    def read(self) -> AbstractContextManager[sa.Connection]: ...


ServicesOf = Callable[[], OperatorServices]

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
DAY = click.DateTime(formats=["%Y-%m-%d"])

SENTENCES = {
    "file_not_utf8": "line {line} is not UTF-8",
    "file_empty": "the file is empty",
    "file_columns": "columns are missing: {missing}",
    "file_quotes": "a quotation mark that opens near line {line} is never closed rightly ({detail})",
    "control_character": "a character that cannot be seen, or a private one",
    "nothing_to_see": "a cell in which nothing can be read",
    "too_long": "a cell of more than 1,000 characters",
    "number_of_cells": "another number of cells than the header",
    "oid_missing": "no OID",
    "oid_outside_known_arcs": "OID not under 2.16.886.101 or 2.16.886.111",
    "oid_malformed": "malformed OID",
    "oid_duplicate": "the OID stands on an earlier line",
    "name_missing": "no name",
    "name_too_long": "name longer than 200 characters",
    "parent_unknown": "nothing known above it, and the DN does not go with the OID",
    "agency_code_malformed": "malformed agency code, left empty",
    "date_malformed": "malformed date",
    "both_listed": "both sides are in the list, not applied",
    "none_listed": "neither side is in the list, not applied",
    "closed": "closed",
    "becomes_placeholder": "agencies below it are listed: stays as a bare place",
    "in_use": "still in use: stays open",
    "in_use_below": "in use below it: stays open",
    "open_below": "open units below it: stays open",
    "lines_rejected": "a rejected line may be about it: stays open",
    "new_oid": "same agency under a new OID",
    "new_parent": "another parent",
    "closed_by_hand": "closed by hand, still in the list: stays closed",
    "renamed_by_hand": "renamed by hand: the name stays",
    "moved_by_hand": "parent set by hand: it stays",
    "would_be_circle": "the list's parent would make a circle: it stays where it is",
    "successor_not_unique": "more than one successor, or one successor of several: not applied",
}


@click.group()
def agencies() -> None:
    """機關: the tree of agencies."""


def too_many(*, closing: object, agencies: object, percent: object) -> str:
    return (
        f"this would close {closing} of {agencies} agencies, more than {percent} %; nothing was written. "
        f"See which with --dry-run; if they are really gone, run again with --allow-closing {closing}"
    )


def unread(report: ImportReport) -> str:
    return (
        f"{len(report.rejected)} lines were rejected, so the {report.would_close} agencies that the list does not hold "
        "stay open. Mend the lines, and run it again"
    )


def sentence(fault: Invalid) -> str:
    return SENTENCES.get(fault.code, fault.code).format(**fault.context)


def show_report(report: ImportReport) -> None:
    for title, findings in (
        ("new", report.new),
        ("built for missing parents", report.built),
        ("renamed", report.renamed),
        ("moved", report.moved),
        ("gone", report.gone),
        ("gone from the list, but kept open", report.kept),
        ("reopened", report.reopened),
        ("other details changed", report.changed),
        ("differs from the list, kept", report.differing),
    ):
        show(title, [_finding_line(finding) for finding in findings])
    # Every rejected line is somebody's work: all of them are shown.
    show("rejected lines", [_rejected_line(rejected) for rejected in report.rejected], limit=None)
    show("remarks", [_rejected_line(remark) for remark in report.remarks], limit=None)
    click.echo(f"listed: {report.listed}" + (" (nothing changed)" if report.changes_nothing else ""))


def show(title: str, lines: Sequence[str], *, limit: int | None = SHOWN) -> None:
    click.echo(f"{title}: {len(lines)}")
    for line in lines[:limit]:
        click.echo(f"  {line}")
    if limit is not None and len(lines) > limit:
        click.echo(f"  … and {len(lines) - limit} more (--json has all)")


def _finding_line(finding: Finding) -> str:
    change = f": {finding.old} → {finding.new}" if finding.old or finding.new else ""
    reason = f" ({SENTENCES.get(finding.reason, finding.reason)})" if finding.reason else ""
    return f"{finding.oid or finding.key} {finding.name}{change}{reason}"


def _rejected_line(rejected: Rejected) -> str:
    detail = f" [{rejected.detail}]" if rejected.detail else ""
    return f"line {rejected.line}: {SENTENCES.get(rejected.reason, rejected.reason)}{detail}"


@agencies.command("history")
@click.argument("history_file", metavar="FILE", type=FILE, default=DATA / "change.csv")
@click.option("--dry-run", is_flag=True, help="report only, write nothing")
@click.pass_obj
def history(services_of: ServicesOf, history_file: Path, *, dry_run: bool) -> None:
    """Link former names and OIDs (old_name,new_name,old_oid,new_oid,change_date,ref); search finds them."""
    command = use_cases.LinkHistory(history_file.read_bytes(), dry_run=dry_run)
    try:
        plan, rejected = use_cases.link_history(command, services_of(), OPERATOR)
    except Invalid as fault:
        raise click.ClickException(f"{history_file.name}: {sentence(fault)}; nothing was written") from fault
    lines = [f"agency {link.agency}: {link.name or ''} {link.oid or ''}".rstrip() for link in plan.links]
    show("linked", lines)
    show("known already", [""] * len(plan.known), limit=0)
    show("not applied", [_rejected_line(unmatched) for unmatched in plan.reported], limit=None)
    show("rejected lines", [_rejected_line(line) for line in rejected], limit=None)
    if dry_run:
        click.echo("dry run: nothing was written")


@agencies.command("search")
@click.argument("words", nargs=-1, required=True)
@click.pass_obj
def search_(services_of: ServicesOf, words: Sequence[str]) -> None:
    """Any part of names, former names, agency codes and OIDs."""
    services = services_of()
    with services.read() as connection:
        hits = search(connection, " ".join(words), Page(size=MAX_SIZE), on=taipei_date(services.clock.now()))
    for hit in hits.rows:
        former = f" [{hit.former_name}]" if hit.former_name else ""
        closed = f" (closed {hit.closed_on})" if hit.closed_on else ""
        click.echo(f"{hit.oid or '-'} {hit.agency_code or '-'} {hit.kind.value} {hit.full_name}{former}{closed}")
    click.echo(f"{hits.total} found" + ("; these have the nearest names" if hits.rows and not hits.total else ""))


def by_oid(services: OperatorServices, oid: str) -> Agency:
    """An agency by OID, or by "#" and its number for units without one. Raises NotFound."""
    with services.begin(OPERATOR) as work:
        agency = work.agencies.get(_number(oid)) if oid.startswith("#") else work.agencies.find_by_oid(OID.clean(oid))
    if agency is None:
        raise NotFound("agency")
    return agency


def tell(agency: Agency) -> None:
    click.echo(f"#{agency.id} {agency.oid or '-'} {agency.full_name}")


def today(services: OperatorServices) -> date:
    return taipei_date(services.clock.now())


def day(services: OperatorServices, moment: datetime | None) -> date:
    return today(services) if moment is None else moment.date()


@agencies.command("add-unit")
@click.argument("parent")
@click.argument("name")
@click.option("--oid", default="", help="an OID of its own, if it has one")
@click.pass_obj
def add_unit(services_of: ServicesOf, parent: str, name: str, oid: str) -> None:
    """Add a unit below PARENT (an OID, or # and a number)."""
    services = services_of()
    command = use_cases.AddUnit(by_oid(services, parent).id, name, oid)
    tell(use_cases.add_unit(command, services, OPERATOR))


@agencies.command("close")
@click.argument("agency")
@click.option("--on", "closed_on", type=DAY, help="the first day on which it no longer exists")
@click.pass_obj
def close(services_of: ServicesOf, agency: str, closed_on: datetime | None) -> None:
    """End AGENCY; refused while anything hangs on it or open parts stand below it."""
    services = services_of()
    place = by_oid(services, agency)
    command = use_cases.Close(place.id, place.version, day(services, closed_on))
    tell(use_cases.close(command, services, OPERATOR))


@agencies.command("reopen")
@click.argument("agency")
@click.pass_obj
def reopen(services_of: ServicesOf, agency: str) -> None:
    """Undo a closing."""
    services = services_of()
    place = by_oid(services, agency)
    tell(use_cases.reopen(use_cases.Reopen(place.id, place.version), services, OPERATOR))


@agencies.command("mail-domains")
@click.argument("agency")
@click.argument("domains", nargs=-1)
@click.pass_obj
def mail_domains(services_of: ServicesOf, agency: str, domains: Iterable[str]) -> None:
    """Backup mailboxes of applicants to AGENCY must be in one of DOMAINS; none means any."""
    services = services_of()
    place = by_oid(services, agency)
    command = use_cases.SetMailDomains(place.id, place.version, tuple(domains))
    tell(use_cases.set_mail_domains(command, services, OPERATOR))


@agencies.command("short-names")
@click.argument("agency")
@click.argument("names", nargs=-1)
@click.pass_obj
def short_names(services_of: ServicesOf, agency: str, names: Iterable[str]) -> None:
    """What people call AGENCY for short, as 北捷; its name's abbreviations are found without."""
    services = services_of()
    place = by_oid(services, agency)
    command = use_cases.SetShortNames(place.id, place.version, tuple(names))
    tell(use_cases.set_short_names(command, services, OPERATOR))


def _number(text: str) -> AgencyId:
    try:
        return AgencyId(int(text[1:]))
    except ValueError as fault:
        raise NotFound("agency") from fault


COMMANDS = (agencies,)
