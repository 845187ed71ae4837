"""What the reviewers' pages show: the queue and one case with everything about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hufu_console.accounts.queries import name_of
from hufu_console.agencies.queries import names_in
from hufu_console.web.context import reading, registry
from hufu_console.web.feature import composition
from hufu_console.web.viewer import Viewer
from hufu_registry.accounts.model import Account
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.agencies.model import Agency
from hufu_registry.audit.store import TimelineEntry, timeline
from hufu_registry.cases.engine.model import Case, CaseMove, differences, may
from hufu_registry.cases.engine.store import (
    DuplicateCandidate,
    QueueFilter,
    QueueRow,
    compared_case,
    count_queue,
    duplicate_candidates,
    own_cases,
    queue,
)
from hufu_registry.cases.engine.use_cases.ports import CaseType, types_in
from hufu_registry.features import SqlWork
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.paging import Head, Page, Paged
from hufu_registry.people.use_cases import mailbox_key


@dataclass(frozen=True, slots=True)
class CaseView:
    """`names` are the display names of those who acted, `moves` what the viewer may do to it; `deciding_agency` is None
    where system managers decide; `next` is the case that waits longest of all others.
    """

    case: Case
    agency: Agency
    deciding_agency: Agency | None
    account: Account | None
    own: bool
    moves: frozenset[CaseMove]
    record: Head[TimelineEntry]
    names: Mapping[object, str]
    mine: Mapping[str, str]
    duplicate_candidates: Head[tuple[DuplicateCandidate, frozenset[str]]]
    next: QueueRow | None
    now: datetime


def case_types() -> Mapping[str, CaseType]:
    """Every feature's, by their names."""
    return types_in(SqlWork.features())


def waiting_for(viewer: Viewer) -> QueueFilter:
    """The cases that wait where he works now."""
    return QueueFilter(within=viewer.works_at)


def count_waiting(viewer: Viewer) -> int:
    with reading() as work:
        return count_queue(work.connection, viewer.account_id, work.now, work.case_types, waiting_for(viewer))


def first_waiting(viewer: Viewer) -> Paged[QueueRow] | None:
    """Those that wait longest; None for whoever sees no cases."""
    if not composition().opens("cases.queue", viewer):
        return None
    with reading() as work:
        return queue(work.connection, viewer.account_id, work.now, work.case_types, Page(1, 5), waiting_for(viewer))


def own_applications(viewer: Viewer) -> Sequence[QueueRow] | None:
    """What the viewer applied for himself; None where that is nothing."""
    with reading() as work:
        key = mailbox_key(registry(), viewer.account.mailbox)
        return own_cases(work.connection, viewer.account_id, key) or None


def seen_case(viewer: Viewer, case_id: CaseId) -> Case:
    """Raises NotFound("case") for one that is not the viewer's to see."""
    with reading() as work:
        return work.cases.seen_by(viewer.account_id, case_id)


def view_of(viewer: Viewer, case_id: CaseId) -> CaseView:
    """Raises NotFound("case") for one that is not the viewer's to see."""
    with reading() as work:
        case = work.cases.seen_by(viewer.account_id, case_id)
        agency = work.agencies.get(case.agency_id)
        decides = case.deciding_agency_id
        record = timeline(work.connection, "case", str(case.id))
        mine = compared_case(case, agency.full_name)
        alike = duplicate_candidates(
            work.connection, viewer.account_id, work.now, case, registry().keys, work.case_types
        )
        first = queue(work.connection, viewer.account_id, work.now, work.case_types, Page(1, 2), waiting_for(viewer))
        own = work.cases.is_same_person(case, viewer.account_id)
        decides_it = not own and may(viewer.rights, work.case_types[case.type].decides, case, decides)
        return CaseView(
            case=case,
            agency=agency,
            deciding_agency=None if decides is None else work.agencies.get(decides),
            account=visible_account(work, viewer, case),
            own=own,
            moves=case.moves() if decides_it else frozenset(),
            record=record,
            names=names_in(work, record.rows),
            mine=mine,
            duplicate_candidates=Head([(other, differences(mine, other.fields)) for other in alike.rows], alike.more),
            next=next((row for row in first.rows if row.id != case.id), None),
            now=work.now,
        )


def visible_account(work: SqlWork, viewer: Viewer, case: Case) -> Account | None:
    """The account that came of the case; a case that came up from below does not open the account's page."""
    account = None if case.account_id is None else work.accounts.find(case.account_id)
    if account is None:
        return None
    agency = work.agencies.get(account.agency_id)
    seen = viewer.rights.allows(SEE_ACCOUNTS, home_id=agency.home_id, path=agency.path)
    return account if seen else None


def decider(case: Case) -> str:
    """The name of who decided it."""
    return name_of(case.decided_by)
