"""The applicant's own doors to his case, whatever its type: one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hufu_registry.agencies.model import Agency
from hufu_registry.cases.engine.model import Case, CaseMove
from hufu_registry.cases.engine.use_cases.notifications import record, settle, tell_applicant
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict, NotFound
from hufu_registry.kernel.ids import AgencyId, CaseId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import proved_mailbox


@dataclass(frozen=True, slots=True)
class Withdraw:
    browser: str
    case_id: CaseId


def withdraw(command: Withdraw, services: Services[Work], actor: Actor) -> None:
    """The applicant takes it back before it is decided; what it had reserved is free again at once."""
    with services.begin(actor) as work:
        case = held_case(work, own_case(work, services, command.browser, command.case_id))
        withdrawn = replace(case, state=case.after(CaseMove.WITHDRAW), updated_at=work.now, version=case.version + 1)
        work.cases.save(withdrawn)
        kind = work.case_types[case.type]
        kind.give_up(work, case)
        record(work, "case.withdrawn", withdrawn)
        settle(work, withdrawn)
        tell_applicant(work, withdrawn, kind.withdrawn)


def own_case(work: Work, services: Services[Work], browser: str, case_id: CaseId) -> Case:
    """The applicant's case, not held yet. A foreign case is NotFound, like none at all."""
    mailbox = proved_mailbox(browser, Purpose.FOLLOW, services, work)
    case = work.cases.get(case_id)
    if case.mailbox != mailbox:
        raise NotFound("case")
    return case


def held_case(work: Work, seen: Case, goes_to: Agency | None = None) -> Case:
    """The case, locked after what it hangs on: its agency and the one it goes to, each with all above, and its account.

    Raises Conflict("changed_meanwhile") where an agency came to stand elsewhere, or changed, while we waited.
    """
    if goes_to is None:
        work.agencies.lock(seen.agency_path.ids)
    else:
        hold_agency(work, goes_to, *seen.agency_path.ids)
    if seen.account_id is not None:
        work.accounts.get(seen.account_id, lock=True)
    case = work.cases.get(seen.id, lock=True)
    if case.agency_path != seen.agency_path:
        raise Conflict("changed_meanwhile")
    return case


def hold_agency(work: Work, agency: Agency, *more: AgencyId) -> None:
    """Who decides stands in the case's row: where it could go up to, no manager comes or goes until that is written.

    Raises Conflict("changed_meanwhile") where the agency is not as it was seen.
    """
    work.agencies.lock({*agency.path.ids, *more})
    if work.agencies.get(agency.id) != agency:
        raise Conflict("changed_meanwhile")
