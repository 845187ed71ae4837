"""The reviewers' queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from hufu_registry.agencies.store import agencies, subtree_of
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.cases.engine.store.repository import cases, in_scope
from hufu_registry.cases.engine.use_cases.ports import CaseType
from hufu_registry.kernel.clock import taipei_midnight
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.mapping import from_rows
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import counted, ordered, page_of
from hufu_registry.kernel.texts import words_of


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the reviewers' queue."""

    id: CaseId
    number: int
    type: str
    state: CaseState
    subject: str
    detail: str
    account_name: str
    agency_id: AgencyId
    agency_name: str
    unit_name: str
    created_at: datetime
    decided_at: datetime | None
    collision: bool


# Not the sealed form: a long list is read through.
SHOWN = [cases.c[shown.name] for shown in fields(QueueRow) if shown.name in cases.c]
MOST_OWN = 5
PENDING = cases.c.state == CaseState.PENDING.value
SORTED_BY = {
    "number": cases.c.number,
    "type": cases.c.type,
    "subject": cases.c.subject,
    "account_name": cases.c.account_name,
    "agency": cases.c.agency_path,
    # The decided ones wait no more.
    "waits": sa.case((PENDING, sa.func.now() - cases.c.created_at)),
    "created_at": cases.c.created_at,
    "decided_at": cases.c.decided_at,
    "state": cases.c.state,
}


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What the queue is narrowed to. `words` finds any part of what the type's search looks in, or a case number;
    `agency_id` keeps its subtree, as does `within`, where the viewer works now; `since` and `until` are days in Taipei
    on which a case was sent, both included.
    """

    state: CaseState | None = CaseState.PENDING
    type: str = ""
    words: str = ""
    agency_id: AgencyId | None = None
    within: AgencyId | None = None
    since: date | None = None
    until: date | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        found = [mentions(word) for word in words_of(self.words)]
        if self.state is not None:
            found.append(cases.c.state == self.state.value)
        if self.type:
            found.append(cases.c.type == self.type)
        tops = [agency_id for agency_id in (self.agency_id, self.within) if agency_id is not None]
        found.extend(subtree_of(agency_id, cases.c.agency_path) for agency_id in tops)
        if self.since is not None:
            found.append(cases.c.created_at >= taipei_midnight(self.since))
        if self.until is not None:
            found.append(cases.c.created_at < taipei_midnight(self.until + timedelta(days=1)))
        return found


WAITING = QueueFilter()


def queue(
    connection: sa.Connection,
    viewer: AccountId,
    now: datetime,
    types: Mapping[str, CaseType],
    page: Page,
    only: QueueFilter = WAITING,
    *,
    sort: Sort | None = None,
) -> Paged[QueueRow]:
    """The cases in the viewer's scope; unless sorted, those waiting oldest first, the decided ones newest first."""
    conditions = [in_scope(viewer, now, types), *only.conditions()]
    order = cases.c.created_at if only.state is CaseState.PENDING else cases.c.updated_at.desc()
    rows = (
        sa.select(*SHOWN, agencies.c.full_name.label("agency_name"))
        .join(agencies, agencies.c.id == cases.c.agency_id)
        .where(*conditions)
        .order_by(*ordered(sort, SORTED_BY, (order, cases.c.id)))
    )
    return page_of(connection, QueueRow, rows, page, all_of=sa.select(cases.c.id).where(*conditions))


def own_cases(connection: sa.Connection, account_id: AccountId, mailbox_key: str) -> Sequence[QueueRow]:
    """What somebody applied for himself, the newest first: what his account came of, and what his mailbox sent."""
    mine = sa.or_(cases.c.account_id == account_id, cases.c.mailbox_key == mailbox_key)
    newest = sa.select(*SHOWN, agencies.c.full_name.label("agency_name")).join(
        agencies, agencies.c.id == cases.c.agency_id
    )
    rows = newest.where(mine).order_by(cases.c.created_at.desc(), cases.c.id).limit(MOST_OWN)
    return from_rows(QueueRow, connection.execute(rows))


def mentions(word: str) -> sa.ColumnElement[bool]:
    """The folded word, wherever in what the type's search looks in; or the case's number."""
    return sa.or_(sa.func.strpos(cases.c.search_text, word) > 0, sa.cast(cases.c.number, sa.Text) == word)


def count_queue(
    connection: sa.Connection,
    viewer: AccountId,
    now: datetime,
    types: Mapping[str, CaseType],
    only: QueueFilter = WAITING,
) -> int:
    """How many cases of the viewer's scope are like that: unless told otherwise, wait for a decision."""
    return counted(connection, sa.select(cases.c.id).where(in_scope(viewer, now, types), *only.conditions()))
