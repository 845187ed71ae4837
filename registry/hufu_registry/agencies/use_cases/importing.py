"""Taking over the government's list of agencies, and the list of their former names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hufu_registry.agencies.model import (
    AgencyKind,
    HistoryPlan,
    ImportPlan,
    ImportReport,
    Rejected,
    plan_history,
    plan_import,
    read_codes,
    read_history,
    read_list,
)
from hufu_registry.agencies.model.import_plan import BUILT
from hufu_registry.agencies.model.listing import Listing
from hufu_registry.agencies.permissions import EDIT_AGENCIES
from hufu_registry.agencies.use_cases.ports import TreeWritten, Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey
from hufu_registry.kernel.work import Services


@dataclass(frozen=True, slots=True)
class ImportList:
    """The files as bytes. `may_close` agencies may be closed, where that is more than the limit allows."""

    list_file: bytes
    codes_file: bytes | None = None
    history_file: bytes | None = None
    may_close: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class LinkHistory:
    history_file: bytes
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Files:
    listing: Listing
    codes: dict[str, str] = field(default_factory=dict)
    successors: tuple[tuple[str, str], ...] = ()


def import_list(command: ImportList, services: Services[Work], actor: Actor) -> ImportReport:
    """Bring the agencies to what the list says; a second time changes nothing.

    Raises Invalid for a file that cannot be read, Denied("system_managers_only"), and
    IllegalMove("import_closes_too_many") before the first write where it would close more than the policy's share and
    `may_close` does not allow it; a dry run says so in its report only.
    """
    files = _read(command)
    with services.begin(actor) as work:
        if not command.dry_run:
            work.agencies.lock_tree(whole=True)
        work.require_everywhere(EDIT_AGENCIES)
        plan = _plan(files, work)
        if command.dry_run:
            return plan.report
        _guard(plan.report, work.policy.import_close_limit_percent, command.may_close)
        if not plan.report.changes_nothing or plan.former_names:
            _apply(plan, work)
        return plan.report


def plan_of(command: ImportList, work: Work) -> ImportPlan:
    """What taking over the list would do. Raises Invalid for a file that cannot be read."""
    return _plan(_read(command), work)


def _read(command: ImportList) -> _Files:
    listing = read_list(command.list_file)
    codes: dict[str, str] = {}
    successors: tuple[tuple[str, str], ...] = ()
    if command.codes_file is not None:
        codes, _ = read_codes(command.codes_file)
    if command.history_file is not None:
        successors = read_history(command.history_file).oids
    return _Files(listing, codes, successors)


def _plan(files: _Files, work: Work) -> ImportPlan:
    current = work.agencies.nodes()
    linked = [
        (former.oid, current[former.agency].oid)
        for former in work.agencies.former_names()
        if former.oid is not None and isinstance(former.agency, int)
    ]
    return plan_import(
        files.listing,
        current,
        today=taipei_date(work.now),
        successors=[*files.successors, *((old, new) for old, new in linked if new is not None and old != new)],
        codes=files.codes,
        occupied=frozenset(work.dependents.held_by(current.keys())),
    )


def _guard(report: ImportReport, percent: int, may_close: int | None) -> None:
    if report.closes_more_than(percent) and len(report.gone) > (may_close or 0):
        raise IllegalMove(
            "import_closes_too_many", closing=len(report.gone), agencies=report.open_before, percent=percent
        )


def _apply(plan: ImportPlan, work: Work) -> None:
    nodes = plan.nodes
    written = work.agencies.take_over(nodes, plan.former_names)
    report = plan.report
    for action, findings in (
        ("agency.renamed", report.renamed),
        ("agency.moved", report.moved),
        ("agency.closed", report.gone),
        ("agency.reopened", report.reopened),
    ):
        for finding in findings:
            agency_id = written.ids[finding.key]
            work.audit.record(
                action,
                object_kind="agency",
                object_id=str(agency_id),
                agency_id=agency_id,
                old={"name": finding.name, "oid": finding.oid, "was": finding.old},
                new={"is": finding.new, "reason": finding.reason or "list"},
            )
    work.audit.record(
        "agencies.imported",
        object_kind="agencies",
        object_id="all",
        new={
            "listed": report.listed,
            "new": len(report.new),
            "built": len(report.built),
            "renamed": len(report.renamed),
            "moved": len(report.moved),
            "closed": len(report.gone),
            "kept": len(report.kept),
            "rejected": len(report.rejected),
        },
    )
    _tell_targets(plan, written, work)


def _tell_targets(plan: ImportPlan, written: TreeWritten, work: Work) -> None:
    """Groups and OUs follow where there are any; a moved one first needs its new places above, and its old ones may
    not be needed any more.
    """
    for key in work.agencies.outbox_keys(written.changed | written.left):
        work.outbox.enqueue(key, bulk=True)
    for key in work.agencies.outbox_keys(written.moved):
        for above in work.agencies.ancestors(AgencyId(int(key.object_id))):
            work.outbox.ensure(OutboxKey(key.target, Kind.AGENCY, str(above.id)))
    for finding in plan.report.renamed:
        node = plan.nodes[finding.key]
        if node.kind is AgencyKind.UNIT:
            for key in work.dependents.unit_renamed(written.ids[finding.key], node.name):
                work.outbox.enqueue(key, bulk=True)


def link_history(
    command: LinkHistory, services: Services[Work], actor: Actor
) -> tuple[HistoryPlan, Sequence[Rejected]]:
    """Link former names and OIDs to the agencies that bear the current ones; what it did, and the bad lines.

    Raises Invalid for a file that cannot be read, Denied("system_managers_only").
    """
    file = read_history(command.history_file)
    with services.begin(actor) as work:
        if not command.dry_run:
            work.agencies.lock_tree()
        work.require_everywhere(EDIT_AGENCIES)
        nodes = work.agencies.nodes().values()
        listed = {node.oid: node for node in nodes if node.oid and node.is_open and node.kind not in BUILT}
        known = {(former.agency, former.name, former.oid) for former in work.agencies.former_names()}
        plan = plan_history(file, listed, known)
        if plan.links and not command.dry_run:
            work.agencies.link(plan.links)
            for link in plan.links:
                work.audit.record(
                    "agency.history_linked",
                    object_kind="agency",
                    object_id=str(link.agency),
                    agency_id=AgencyId(int(link.agency)),
                    new={"former_name": link.name, "former_oid": link.oid, "until": str(link.until or "")},
                )
    return plan, file.rejected
