"""Deciding on an application: one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import hufu_registry.sync.use_cases as sync
from hufu_registry.accounts.model import Account, AccountState, name_key
from hufu_registry.cases.model import Case, CaseMove, may
from hufu_registry.cases.notices import CASE_APPROVED, CASE_REJECTED, NAME_COLLISION
from hufu_registry.cases.permissions import DECIDE_CASES, SEE_CASES
from hufu_registry.cases.use_cases.notifications import record, tell_applicant
from hufu_registry.cases.use_cases.ports import Work
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, Denied, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, CaseId, PersonId
from hufu_registry.kernel.work import Services


@dataclass(frozen=True, slots=True)
class Approve:
    """`version` is the case's as the manager saw it; `official_mail` is set where the applicant needs one."""

    case_id: CaseId
    version: int
    official_mail: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    case_id: CaseId
    version: int
    reason: str


def approve(command: Approve, services: Services[Work], actor: Actor) -> AccountId:
    """Approve the application: the account exists, and the targets and the activation mail follow.

    Raises NotFound("case") for a case outside the scope, Denied("right_missing") for who may only look at it,
    Denied("own_case"), IllegalMove("case_state"), Conflict("changed_meanwhile") when the applicant changed it after the
    manager looked, and IllegalMove("agency_closed"), Invalid(official_mail=…).
    """
    with services.begin(actor) as work:
        case = case_to_decide(work, actor, command.case_id, CaseMove.APPROVE, command.version)
        agency = work.agencies.get(case.agency_id)
        if not agency.is_open(taipei_date(work.now)):
            raise IllegalMove("agency_closed")
        account = account_of(work, services, case, command.official_mail)
        account.profile.check()
        sync.check_official_mail(work, agency, account.profile)
        sync.open_account(work, services, account, case_id=case.id)
        decided = replace(decision(work, actor, case, CaseMove.APPROVE, ""), account_id=account.id)
        work.cases.save(decided)
        record(
            work,
            "case.approved",
            decided,
            old={"state": case.state.value},
            new={"state": decided.state.value},
        )
        tell_applicant(work, decided, CASE_APPROVED)
    return account.id


def reject(command: Reject, services: Services[Work], actor: Actor) -> None:
    """Reject with a reason, which the applicant reads. Raises as `approve` does."""
    reason = " ".join(command.reason.split())
    if not reason:
        raise Invalid(fields={"reason": "required"})
    with services.begin(actor) as work:
        case = case_to_decide(work, actor, command.case_id, CaseMove.REJECT, command.version)
        decided = decision(work, actor, case, CaseMove.REJECT, reason)
        work.cases.save(decided)
        work.names.release(name_key(case.application.account_name), case.id, rest=False)
        record(
            work,
            "case.rejected",
            decided,
            old={"state": case.state.value},
            new={"state": decided.state.value, "reason": reason},
        )
        tell_applicant(work, decided, CASE_REJECTED, reason=reason)


def report_collision(account_id: AccountId, services: Services[Work], actor: Actor) -> None:
    """The worker found the account's name to be somebody else's in a target; harmless when repeated."""
    with services.begin(actor) as work:
        case = work.cases.by_account(account_id)
        if case is None or case.collision:
            return
        collided = replace(work.cases.get(case.id, lock=True), collision=True)
        work.cases.save(replace(collided, version=collided.version + 1, updated_at=work.now))
        record(work, "case.name_collided", collided, new={"account_name": collided.application.account_name})
        tell_applicant(work, collided, NAME_COLLISION)


def assign_deciders(services: Services[Work]) -> int:
    """Every case is with those who decide it now; harmless when repeated."""
    with services.begin(SYSTEM) as work:
        return work.cases.assign_deciders()


def case_to_decide(work: Work, actor: Actor, case_id: CaseId, move: CaseMove, version: int) -> Case:
    """The case, locked and checked for this decision: agency rows first, then the asker's grants, then the case."""
    if actor.account_id is None:
        raise NotFound("case")
    seen = work.cases.get(case_id)
    work.agencies.lock(seen.agency_path.ids)
    rights = work.grants.of(actor.account_id, lock=True)
    case = work.cases.get(case_id, lock=True)
    deciding_agency = work.cases.deciding_agency(case.agency_id)
    if not may(rights, SEE_CASES, case, deciding_agency):
        raise NotFound("case")
    if not may(rights, DECIDE_CASES, case, deciding_agency):
        raise Denied("right_missing", permission=DECIDE_CASES.name)
    if work.cases.is_same_person(case, actor.account_id):
        raise Denied("own_case")
    case.after(move)
    if case.version != version:
        raise Conflict("changed_meanwhile")
    return case


def decision(work: Work, actor: Actor, case: Case, move: CaseMove, reason: str) -> Case:
    return replace(
        case,
        state=case.after(move),
        decided_at=work.now,
        decided_by=actor.account_id,
        decision_reason=reason,
        updated_at=work.now,
        version=case.version + 1,
    )


def account_of(work: Work, services: Services[Work], case: Case, official_mail: str) -> Account:
    application = case.application
    return Account(
        id=AccountId(services.ids.new()),
        person_id=PersonId(services.ids.new()),
        account_name=application.account_name,
        agency_id=case.agency_id,
        agency_path=case.agency_path,
        profile=replace(
            application.profile, official_mail=official_mail if application.wants_official_mail else None
        ).cleaned(),
        mailbox=case.mailbox,
        language=case.language,
        state=AccountState.NOT_ACTIVATED,
        created_at=work.now,
        approved_at=work.now,
    )
