"""Runs: work of many objects that people can watch."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.work import Services
from hufu_registry.sync.model import Run, RunKind
from hufu_registry.sync.use_cases.ports import Work


def start_bulk_run(
    work: Work, services: Services[Work], cause: str, note: str, *, agency_id: AgencyId | None = None
) -> UUID:
    """From here everything this transaction wants is one run that people can watch."""
    run = new_run(work, services, RunKind.BULK, cause)
    work.runs.start(replace(run, note=note, agency_id=agency_id))
    return run.id


def new_run(work: Work, services: Services[Work], kind: RunKind, cause: str, target: Target | None = None) -> Run:
    return Run(
        id=services.ids.new(),
        kind=kind,
        target=target,
        cause=cause,
        started_at=work.now,
        finished_at=None,
        objects=0,
        done=0,
        differing=0,
        failed=0,
        requested_by=work.actor.account_id,
    )
