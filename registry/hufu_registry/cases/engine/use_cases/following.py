"""The applicant's own doors to his case, whatever its type: one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hufu_registry.cases.engine.model import Case, CaseMove
from hufu_registry.cases.engine.use_cases.notifications import record, tell_applicant
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import mailbox_key, proved_mailbox


@dataclass(frozen=True, slots=True)
class Withdraw:
    browser: str
    case_id: CaseId


def withdraw(command: Withdraw, services: Services[Work], actor: Actor) -> None:
    """The applicant takes it back before it is decided; what it had reserved is free again at once."""
    with services.begin(actor) as work:
        case = own_case(work, services, command.browser, command.case_id)
        withdrawn = replace(case, state=case.after(CaseMove.WITHDRAW), updated_at=work.now, version=case.version + 1)
        work.cases.save(withdrawn)
        kind = work.case_types[case.type]
        kind.give_up(work, case)
        record(work, "case.withdrawn", withdrawn)
        tell_applicant(work, withdrawn, kind.withdrawn)


def case_of_mailbox(browser: str, services: Services[Work], actor: Actor) -> Case | None:
    """What became of the application of the mailbox this browser proved. Raises NotFound("mailbox_not_verified")."""
    with services.begin(actor) as work:
        mailbox = proved_mailbox(browser, Purpose.FOLLOW, services, work)
        return work.cases.newest_of_mailbox(mailbox_key(services, mailbox))


def own_case(work: Work, services: Services[Work], browser: str, case_id: CaseId) -> Case:
    """The applicant's case, locked. A foreign case is NotFound, like none at all."""
    mailbox = proved_mailbox(browser, Purpose.FOLLOW, services, work)
    case = work.cases.get(case_id, lock=True)
    if case.mailbox != mailbox:
        raise NotFound("case")
    return case
