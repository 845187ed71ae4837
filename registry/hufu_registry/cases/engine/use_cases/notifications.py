"""What every step of a case leaves behind: its record, and mails to those it concerns."""

from __future__ import annotations

from hufu_registry.cases.engine.model import Case
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.cases.notices import CASE_WAITING
from hufu_registry.kernel.feature import NoticeType
from hufu_registry.kernel.ids import AgencyId


def record(
    work: Work,
    action: str,
    case: Case,
    *,
    old: dict[str, object] | None = None,
    new: dict[str, object] | None = None,
) -> None:
    work.audit.record(action, object_kind="case", object_id=str(case.id), agency_id=case.agency_id, old=old, new=new)


def tell_applicant(work: Work, case: Case, notice: NoticeType, **values: str) -> None:
    agency, summary = work.agencies.get(case.agency_id), case.form.summary
    work.notices.send(
        notice,
        case.mailbox,
        case.language,
        {
            "number": str(case.number),
            "name": summary.subject,
            "account_name": summary.account_name,
            "agency": agency.full_name,
            **values,
        },
        account_id=case.account_id,
    )


def deciders_at(work: Work, case: Case, agency_id: AgencyId) -> AgencyId | None:
    """Whose managers decide the case if it stands there; they are told of it once, however often it moves."""
    return work.cases.deciding_agency(agency_id, work.case_types[case.type].decides)


def tell_deciders(work: Work, case: Case) -> None:
    """A case that waits is told to those who may decide it, and waits for nobody else; the mail names no applicant."""
    settle(work, case)
    agency, decides = work.agencies.get(case.agency_id), work.case_types[case.type].decides
    values = {"number": str(case.number), "agency": agency.full_name, "case_id": str(case.id)}
    for decider in work.cases.deciders(deciders_at(work, case, agency.id), decides):
        work.notices.send(CASE_WAITING, decider.mailbox, decider.language, values, account_id=decider.account_id)


def settle(work: Work, case: Case) -> None:
    """It waits for nobody any more."""
    work.bell.settle(CASE_WAITING.name, str(case.id))
