"""What agencies bring about for the cases that wait there."""

from __future__ import annotations

from collections.abc import Collection

from hufu_registry.agencies.model import Agency
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.work import Services


def places_of_cases(work: Work, agency_ids: Collection[AgencyId]) -> Collection[AgencyId]:
    return work.cases.places_among(agency_ids)


def readdress_cases(work: Work, _services: Services[Work], agency: Agency, successor: Agency) -> int:
    """Its waiting cases become its successor's; within the merge's transaction."""
    case_ids = work.cases.hand_over(agency.id, successor)
    for case_id in case_ids:
        work.audit.record(
            "case.readdressed",
            object_kind="case",
            object_id=str(case_id),
            agency_id=successor.id,
            old={"agency_id": agency.id},
            new={"agency_id": successor.id},
        )
    return len(case_ids)
