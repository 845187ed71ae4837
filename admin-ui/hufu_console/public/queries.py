"""What the public pages show besides what was typed: agencies, who decides, the applicant's own case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import hufu_registry.agencies.store as agency_lists
from hufu_console.web.context import reading, registry
from hufu_registry.accounts.model import Account, name_key
from hufu_registry.agencies.model import Agency, AgencyKind
from hufu_registry.agencies.store import AgencyHit
from hufu_registry.cases.engine.model import Case
from hufu_registry.cases.types.activation import Application
from hufu_registry.cases.use_cases import place_of
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AgencyId, CaseId
from hufu_registry.kernel.paging import Page, Paged
from hufu_registry.people.model import Purpose, masked_mailbox
from hufu_registry.people.use_cases import browser_key, mailbox_key, proved_mailbox

RESULTS = Page(1, 20)
MOST_UNITS = Page(1, 100)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The agency an applicant chose, the unit where he chose one, and the units he may name."""

    agency: Agency
    unit: Agency | None
    units: Sequence[str]


@dataclass(frozen=True, slots=True)
class OwnCase:
    """`deciding_agency` is None where system managers decide."""

    case: Case
    agency: Agency
    deciding_agency: Agency | None
    account: Account | None


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
        below = agency_lists.children(work.connection, agency.id, MOST_UNITS, on=today).rows
    units = [row.name for row in below if row.kind is AgencyKind.UNIT]
    return Chosen(agency, place if place.kind is AgencyKind.UNIT else None, units)


def with_unit(application: Application) -> Application:
    """A unit named as the registry names it is that unit."""
    wanted = application.profile.unit_name
    if application.agency_id is None or not wanted:
        return application
    with reading() as work:
        below = agency_lists.children(work.connection, application.agency_id, MOST_UNITS, on=taipei_date(work.now)).rows
    unit = next((row for row in below if row.kind is AgencyKind.UNIT and row.name == wanted), None)
    return application if unit is None else replace(application, profile=replace(application.profile, unit_id=unit.id))


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


def proved(browser: str, purpose: Purpose) -> str:
    """Raises NotFound("mailbox_not_verified")."""
    with reading() as work:
        return proved_mailbox(browser, purpose, registry(), work)


def asked_mailbox(browser: str, purpose: Purpose) -> str | None:
    """The mailbox this browser asked a code for last."""
    with reading() as work:
        code = work.mailboxes.newest_code(browser_key(registry(), browser), purpose)
    return None if code is None else registry().keys.open("mailbox", code.mailbox_sealed)


def masked(mailbox: str | None) -> str:
    return masked_mailbox(mailbox) if mailbox else ""


def has_open_case(mailbox: str) -> bool:
    with reading() as work:
        return work.cases.has_open(mailbox_key(registry(), mailbox))


def own_case(browser: str, purpose: Purpose, case_id: CaseId | None = None) -> OwnCase | None:
    """The applicant's case (or this very one of his), who decides it, and the account that came of it."""
    with reading() as work:
        mailbox = proved_mailbox(browser, purpose, registry(), work)
        case = work.cases.newest_of_mailbox(mailbox_key(registry(), mailbox))
        if case_id is not None:
            case = work.cases.get(case_id)
        if case is None or case.mailbox != mailbox:
            return None
        decides = case.deciding_agency_id
        return OwnCase(
            case,
            work.agencies.get(case.agency_id),
            None if decides is None else work.agencies.get(decides),
            None if case.account_id is None else work.accounts.find(case.account_id),
        )


def accounts_of(browser: str) -> Sequence[Account]:
    """The accounts whose backup mailbox this browser proved, for a new activation mail."""
    with reading() as work:
        mailbox = proved_mailbox(browser, Purpose.RESEND, registry(), work)
        return work.accounts.by_mailbox(mailbox_key(registry(), mailbox))
