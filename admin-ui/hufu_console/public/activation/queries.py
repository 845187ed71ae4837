"""What the form of 申請個人公務帳號 shows besides what was typed: agencies, units, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import hufu_registry.agencies.store as agency_lists
from hufu_console.web.context import reading
from hufu_registry.accounts.model import name_key
from hufu_registry.agencies.model import Agency, AgencyKind
from hufu_registry.agencies.store import AgencyHit
from hufu_registry.cases.types.activation import Application
from hufu_registry.cases.use_cases import place_of
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AgencyId, CaseId
from hufu_registry.kernel.paging import Page, Paged

RESULTS = Page(1, 20)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The agency an applicant chose, the unit where he chose one, and the units he may name."""

    agency: Agency
    unit: Agency | None
    units: Sequence[str]


def found(words: str) -> Paged[AgencyHit]:
    with reading() as work:
        today = taipei_date(work.now)
        return agency_lists.search(work.connection, words, RESULTS, on=today, applicants=True)


def agency_by_oid(oid: str) -> Agency | None:
    with reading() as work:
        return work.agencies.find_by_oid(oid)


def chosen(agency_id: AgencyId | None) -> Chosen | None:
    if agency_id is None:
        return None
    with reading() as work:
        try:
            place = work.agencies.get(agency_id)
        except NotFound:
            return None
        agency = work.agencies.get(place.home_id)
        today = taipei_date(work.now)
        units = agency_lists.unit_names(work.connection, agency, on=today)
    return Chosen(agency, place if place.kind is AgencyKind.UNIT else None, units)


def faults_of(application: Application, mailbox: str, case_id: CaseId | None = None) -> dict[str, str]:
    """Every rule the application breaks, those of the database too."""
    faults = application.faults()
    with reading() as work:
        if application.agency_id is not None:
            faults |= place_of(work, application, mailbox)[2]
        free = work.names.is_free(name_key(application.account_name), now=work.now, case_id=case_id)
        if "account_name" not in faults and not free:
            faults["account_name"] = "account_name_taken"
    return faults
