"""Who might be the same person: accounts, and cases that are open or were rejected lately, that are alike."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hufu_registry.accounts.model import Profile
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.store import in_scope as accounts_in_scope
from hufu_registry.agencies.store import agencies
from hufu_registry.cases.engine.model import Case, CaseState
from hufu_registry.cases.engine.store.repository import cases, in_scope, person_keys, to_case
from hufu_registry.cases.engine.use_cases.ports import CaseType
from hufu_registry.kernel.errors import Conflict
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_columns
from hufu_registry.kernel.paging import Head
from hufu_registry.kernel.store import sql_folded
from hufu_registry.kernel.texts import folded

# Who was rejected applies again, often with another name or mailbox.
REJECTED_LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """Somebody who might be the same person. Outside the viewer's scope only agency and reasons are told.

    `same` names what is equal: the mailbox, a mark of the person, the name. `fields` holds what may be
    compared side by side. `decided_at` is when a case was.
    """

    kind: str
    id: object
    in_scope: bool
    agency_name: str
    state: str
    same: frozenset[str]
    fields: dict[str, str]
    decided_at: datetime | None = None


def duplicate_candidates(
    connection: sa.Connection,
    viewer: AccountId,
    now: datetime,
    case: Case,
    keys: Keys,
    types: Mapping[str, CaseType],
    *,
    most: int = 20,
) -> Head[DuplicateCandidate]:
    """Accounts and other cases, open or rejected lately, with the same mailbox, a same mark of the person, or the same
    name in the agency; the newest of each.
    """
    marks = {"mailbox": keys.index("mailbox", case.mailbox), **person_keys(case.form, keys)}
    name, own = folded(case.form.summary.subject), list(marks.values())

    def candidate(kind: str, row: Any, fields: dict[str, str], *theirs: str) -> DuplicateCandidate:
        equal = {mark for mark, key in marks.items() if key in theirs} | ({"name"} if row.alike_name == name else set())
        where = (row.agency_name, row.state)
        at = row.decided_at if kind == "case" else None
        return DuplicateCandidate(kind, row.id if fields else None, bool(fields), *where, frozenset(equal), fields, at)

    def alike_account(row: Any) -> DuplicateCandidate:
        return candidate("account", row, compared_account(row, keys), row.mailbox_key, row.mobile_key)

    def alike_case(row: Any) -> DuplicateCandidate:
        return candidate("case", row, compared_row(row, keys, types), row.mailbox_key, *row.person_keys)

    alike_accounts = alike(
        accounts,
        accounts.c.name_folded,
        case,
        sa.or_(accounts.c.id == viewer, accounts_in_scope(viewer, now)),
        accounts.c.mailbox_key.in_(own),
        accounts.c.mobile_key.in_(own),
    ).where(accounts.c.id.is_distinct_from(case.account_id))
    alike_cases = alike(
        cases,
        sa.literal_column(sql_folded("cases.subject"), sa.Text),
        case,
        in_scope(viewer, now, types),
        cases.c.mailbox_key.in_(own),
        cases.c.person_keys.overlap(own),
    ).where(
        cases.c.id != case.id,
        sa.or_(
            cases.c.state == CaseState.PENDING.value,
            sa.and_(cases.c.state == CaseState.REJECTED.value, cases.c.decided_at > now - REJECTED_LATELY),
        ),
    )
    heads = [
        Head.of([told(row) for row in connection.execute(query.limit(most + 1))], most)
        for query, told in ((alike_accounts, alike_account), (alike_cases, alike_case))
    ]
    return Head([candidate for head in heads for candidate in head.rows], any(head.more for head in heads))


def alike(
    table: sa.Table,
    name: sa.ColumnElement[Any],
    case: Case,
    visible: sa.ColumnElement[bool],
    *marked: sa.ColumnElement[bool],
) -> sa.Select[Any]:
    """The rows that are marked so or whose folded `name` is the case's in its agency, newest first."""
    of_the_name = sa.and_(name == folded(case.form.summary.subject), table.c.agency_id == case.agency_id)
    return (
        sa.select(
            table,
            name.label("alike_name"),
            agencies.c.full_name.label("agency_name"),
            visible.label("visible"),
        )
        .join(agencies, agencies.c.id == table.c.agency_id)
        .where(sa.or_(of_the_name, *marked))
        .order_by(table.c.created_at.desc())
    )


def compared_case(case: Case, agency_name: str) -> dict[str, str]:
    """The case in the same words as a candidate's fields."""
    return {**case.form.summary.compared, "agency": agency_name, "mailbox": case.mailbox}


def compared_row(row: Any, keys: Keys, types: Mapping[str, CaseType]) -> dict[str, str]:
    """Nothing of one that cannot be opened, as of one outside the scope: it keeps nobody from the others."""
    if row.visible:
        with suppress(Conflict):
            return compared_case(to_case(row, keys, types), row.agency_name)
    return {}


def compared_account(row: Any, keys: Keys) -> dict[str, str]:
    if not row.visible:
        return {}
    profile = from_columns(Profile, row._asdict(), keys)
    return {
        "account_name": row.account_name,
        **profile.compared(),
        "agency": row.agency_name,
        "mailbox": keys.open("mailbox", row.mailbox_sealed),
    }
