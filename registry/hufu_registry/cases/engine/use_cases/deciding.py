"""Deciding on a case: one function, one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hufu_registry.cases.engine.model import Case, CaseMove, may
from hufu_registry.cases.engine.use_cases.notifications import record, settle, tell_applicant
from hufu_registry.cases.engine.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, Denied, IllegalMove, NotFound
from hufu_registry.kernel.ids import AccountId, CaseId
from hufu_registry.kernel.texts import REASON
from hufu_registry.kernel.work import Services


@dataclass(frozen=True, slots=True)
class Approve:
    """`version` is the case's as the manager saw it; `entered` is what the type's page asked him for."""

    case_id: CaseId
    version: int
    entered: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reject:
    case_id: CaseId
    version: int
    reason: str


def approve(command: Approve, services: Services[Work], actor: Actor) -> AccountId | None:
    """Approve it: what its type says happens, in this transaction. The account that came of it, if one did.

    Raises NotFound("case") for a case outside the scope, Denied("right_missing") for who may only look at it,
    Denied("own_case"), IllegalMove("case_state"), Conflict("changed_meanwhile") when the applicant changed it after the
    manager looked, IllegalMove("agency_closed"), and what the type raises.
    """
    with services.begin(actor) as work:
        case = case_to_decide(work, actor, command.case_id, CaseMove.APPROVE, command.version)
        if not work.agencies.get(case.agency_id).is_open(taipei_date(work.now)):
            raise IllegalMove("agency_closed")
        kind = work.case_types[case.type]
        account_id = kind.approve(work, services, case, command.entered)
        decided = replace(decision(work, actor, case, CaseMove.APPROVE, ""), account_id=account_id)
        work.cases.save(decided)
        record(
            work,
            "case.approved",
            decided,
            old={"state": case.state.value},
            new={"state": decided.state.value},
        )
        settle(work, decided)
        tell_applicant(work, decided, kind.approved)
    return account_id


def reject(command: Reject, services: Services[Work], actor: Actor) -> None:
    """Reject with a reason, which the applicant reads. Raises as `approve` does."""
    reason = REASON.checked(command.reason, "reason")
    with services.begin(actor) as work:
        case = case_to_decide(work, actor, command.case_id, CaseMove.REJECT, command.version)
        decided = decision(work, actor, case, CaseMove.REJECT, reason)
        work.cases.save(decided)
        kind = work.case_types[case.type]
        kind.give_up(work, case)
        record(
            work,
            "case.rejected",
            decided,
            old={"state": case.state.value},
            new={"state": decided.state.value, "reason": reason},
        )
        settle(work, decided)
        tell_applicant(work, decided, kind.rejected, reason=reason)


def assign_deciders(services: Services[Work], actor: Actor) -> int:
    """Every case is with those who decide it now; harmless when repeated."""
    with services.begin(actor) as work:
        work.agencies.lock_tree()
        return work.cases.assign_deciders()


def case_to_decide(work: Work, actor: Actor, case_id: CaseId, move: CaseMove, version: int) -> Case:
    """The case, locked and checked for this decision: agency rows first, then the asker's grants, then the case."""
    if actor.account_id is None:
        raise NotFound("case")
    seen = work.cases.get(case_id)
    work.agencies.lock(seen.agency_path.ids)
    rights = work.grants.of(actor.account_id, lock=True)
    case = work.cases.get(case_id, lock=True)
    kind = work.case_types[case.type]
    deciding_agency = work.cases.deciding_agency(case.agency_id, kind.decides)
    if not may(rights, kind.sees, case, deciding_agency):
        raise NotFound("case")
    if case.agency_path != seen.agency_path:
        raise Conflict("changed_meanwhile")
    if not may(rights, kind.decides, case, deciding_agency):
        raise Denied("right_missing", permission=kind.decides.name)
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
