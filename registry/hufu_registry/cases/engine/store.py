"""The cases' table, the reviewers' queue, and who might be the same person."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from hufu_registry.accounts.model import AccountState, Profile
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.store import in_scope as accounts_in_scope
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.store import PathText, agencies
from hufu_registry.cases.engine.model import Case, CaseState, Form
from hufu_registry.cases.engine.use_cases.ports import CaseType
from hufu_registry.cases.permissions import SEE_CASES
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_columns, from_document, to_columns, to_document
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import Moment, among, counted, metadata, ordered
from hufu_registry.rights.store import covered, grants, in_force

case_numbers = sa.Sequence("case_numbers", metadata=metadata, start=1001)

cases = sa.Table(
    "cases",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False, unique=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger, nullable=False),
    sa.Column("agency_path", PathText, nullable=False),
    # What the summary of the form says, for queue and search; the form itself is sealed as a whole.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("unit_id", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("unit_name", sa.Text, nullable=False),
    sa.Column("search_text", sa.Text, nullable=False),
    sa.Column("person_keys", ARRAY(sa.Text), nullable=False),
    sa.Column("form_sealed", sa.Text, nullable=False),
    sa.Column("mailbox_sealed", sa.Text, nullable=False),
    sa.Column("mailbox_key", sa.Text, nullable=False, index=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("consent_version", sa.Text, nullable=False),
    sa.Column("form_key", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("stage", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("decided_at", Moment),
    sa.Column("decided_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("decision_reason", sa.Text, nullable=False, server_default=""),
    # Who decides: the agency itself or one above, none for the system managers. Follows managers and tree.
    sa.Column("deciding_agency_id", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), unique=True),
    sa.Column("collision", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.ForeignKeyConstraint(
        ["agency_id", "agency_path"],
        ["agencies.id", "agencies.path"],
        onupdate="CASCADE",
        name="fk_cases_agency",
    ),
    sa.CheckConstraint("state IN ('pending','approved','rejected','withdrawn')", name="state"),
    sa.CheckConstraint("(state IN ('approved','rejected')) = (decided_at IS NOT NULL)", name="decided"),
    sa.Index("uq_cases_open_mailbox", "mailbox_key", unique=True, postgresql_where=sa.text("state = 'pending'")),
    sa.Index("ix_cases_agency", "agency_id"),
    sa.Index("ix_cases_person_keys", "person_keys", postgresql_using="gin"),
    sa.Index("ix_cases_deciding_agency", "deciding_agency_id"),
    sa.Index("ix_cases_queue", "agency_path", "created_at", postgresql_where=sa.text("state = 'pending'")),
)


def ancestor_paths(path: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """A path and every path above it, as a text array (a function of the first migration)."""
    return sa.func.ancestor_paths(path)


def deciding_agency_of(agency_path: sa.ColumnElement[str], now: datetime) -> sa.ScalarSelect[Any]:
    """The nearest agency at or above the path with an enabled manager whose grant is rooted there."""
    managers = accounts.alias("managers")
    return (
        sa.select(grants.c.agency_id)
        .join(managers, managers.c.id == grants.c.account_id)
        .where(
            grants.c.agency_path == sa.any_(ancestor_paths(agency_path)),
            grants.c.role == Role.AGENCY_MANAGER.value,
            managers.c.state == AccountState.ENABLED.value,
            in_force(now),
        )
        .order_by(sa.func.length(grants.c.agency_path).desc())
        .limit(1)
        .correlate_except(grants, managers)
        .scalar_subquery()
    )


FORM = "form"


def to_case(row: sa.Row[Any], keys: Keys, types: Mapping[str, CaseType]) -> Case:
    # A form that names an agency names the case's, which follows when agencies merge.
    form = from_document(FORM, types[row.type].form, row.form_sealed, keys, {"agency_id": row.agency_id})
    return from_columns(Case, {**row._asdict(), "form": form}, keys)


def person_keys(form: Form, keys: Keys) -> dict[str, str]:
    """Mark → keyed hash, as accounts keep them too."""
    return {mark: keys.index(mark, text) for mark, text in form.summary.person.items() if text}


class SqlCases:
    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime, types: Mapping[str, CaseType]) -> None:
        self._types = types
        self._connection = connection
        self._keys = keys
        self._now = now

    def next_number(self) -> int:
        return int(self._connection.execute(sa.select(case_numbers.next_value())).scalar_one())

    def add(self, case: Case, *, form_key: str) -> None:
        self._connection.execute(sa.insert(cases).values(self._values(case) | {"form_key": form_key}))

    def by_form_key(self, form_key: str) -> Case | None:
        return self._one(sa.select(cases).where(cases.c.form_key == form_key))

    def get(self, case_id: CaseId, *, lock: bool = False) -> Case:
        query = sa.select(cases).where(cases.c.id == case_id)
        case = self._one(query.with_for_update() if lock else query)
        if case is None:
            raise NotFound("case")
        return case

    def by_account(self, account_id: AccountId) -> Case | None:
        return self._one(sa.select(cases).where(cases.c.account_id == account_id))

    def newest_of_mailbox(self, mailbox_key: str) -> Case | None:
        return self._one(
            sa.select(cases)
            .where(cases.c.mailbox_key == mailbox_key)
            .order_by((cases.c.state == CaseState.PENDING.value).desc(), cases.c.created_at.desc())
            .limit(1)
        )

    def has_open(self, mailbox_key: str) -> bool:
        query = sa.select(cases.c.id).where(
            cases.c.mailbox_key == mailbox_key, cases.c.state == CaseState.PENDING.value
        )
        return self._connection.execute(query).first() is not None

    def save(self, case: Case) -> None:
        self._connection.execute(sa.update(cases).where(cases.c.id == case.id).values(self._values(case)))

    def places_among(self, agency_ids: Collection[AgencyId]) -> set[AgencyId]:
        asked, waiting = among(agency_ids, sa.BigInteger), cases.c.state == CaseState.PENDING.value
        places = sa.union(
            *(sa.select(column).where(column == asked, waiting) for column in (cases.c.agency_id, cases.c.unit_id))
        )
        return {AgencyId(place) for place in self._connection.execute(places).scalars()}

    def hand_over(self, agency_id: AgencyId, successor: Agency) -> list[CaseId]:
        changed = self._connection.execute(
            sa.update(cases)
            .where(cases.c.agency_id == agency_id, cases.c.state == CaseState.PENDING.value)
            .values(
                agency_id=successor.id,
                agency_path=successor.path.text,
                deciding_agency_id=deciding_agency_of(sa.literal(successor.path.text), self._now),
                version=cases.c.version + 1,
                updated_at=self._now,
            )
            .returning(cases.c.id)
        )
        return sorted(CaseId(case_id) for case_id in changed.scalars())

    def deciding_agency(self, agency_id: AgencyId) -> AgencyId | None:
        path = sa.select(agencies.c.path).where(agencies.c.id == agency_id).scalar_subquery()
        found = self._connection.execute(sa.select(deciding_agency_of(path, self._now))).scalar_one()
        return None if found is None else AgencyId(found)

    def deciders(self, agency_id: AgencyId | None) -> Sequence[tuple[str, str]]:
        rooted = (
            grants.c.role == Role.SYSTEM_MANAGER.value
            if agency_id is None
            else sa.and_(grants.c.agency_id == agency_id, grants.c.role == Role.AGENCY_MANAGER.value)
        )
        rows = self._connection.execute(
            sa.select(accounts.c.mailbox_sealed, accounts.c.language)
            .join(grants, grants.c.account_id == accounts.c.id)
            .where(rooted, in_force(self._now), accounts.c.state == AccountState.ENABLED.value)
            .distinct()
            .limit(50)
        )
        return [(self._keys.open("mailbox", row.mailbox_sealed), row.language) for row in rows]

    def seen_by(self, viewer: AccountId, case_id: CaseId) -> Case:
        case = self._one(sa.select(cases).where(cases.c.id == case_id, in_scope(viewer, self._now)))
        if case is None:
            raise NotFound("case")
        return case

    def is_same_person(self, case: Case, account_id: AccountId) -> bool:
        person = sa.select(accounts.c.person_id).where(accounts.c.id == account_id).scalar_subquery()
        query = sa.select(accounts.c.id).where(
            accounts.c.person_id == person,
            sa.or_(
                accounts.c.mailbox_key == self._keys.index("mailbox", case.mailbox),
                accounts.c.mobile_key.in_(person_keys(case.form, self._keys).values()),
            ),
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def _one(self, query: sa.Select[Any]) -> Case | None:
        row = self._connection.execute(query).one_or_none()
        return None if row is None else to_case(row, self._keys, self._types)

    def _values(self, case: Case) -> dict[str, Any]:
        summary = case.form.summary
        core = {name: value for name, value in to_columns(case, self._keys).items() if name in cases.c}
        return core | {
            "subject": summary.subject,
            "detail": summary.detail,
            "account_name": summary.account_name,
            "unit_id": summary.unit_id,
            "unit_name": summary.unit_name,
            "search_text": "\n".join(summary.found_by),
            "person_keys": sorted(person_keys(case.form, self._keys).values()),
            "form_sealed": to_document(FORM, case.form, self._keys),
            "deciding_agency_id": deciding_agency_of(sa.literal(case.agency_path.text), self._now),
        }

    def assign_deciders(self, agency_ids: Collection[AgencyId] | None = None) -> int:
        top = agencies.alias("top")
        below = sa.and_(agencies.c.path >= top.c.path.concat("."), agencies.c.path < top.c.path.concat("/"))
        at_or_below = sa.exists(
            sa.select(sa.literal(1)).where(
                top.c.id == among(agency_ids or (), sa.BigInteger), sa.or_(agencies.c.path == top.c.path, below)
            )
        )
        fresh = (
            sa.select(agencies.c.id, deciding_agency_of(agencies.c.path, self._now).label("decides"))
            .where(
                sa.exists(sa.select(sa.literal(1)).where(cases.c.agency_id == agencies.c.id)),
                sa.true() if agency_ids is None else at_or_below,
            )
            .subquery("fresh")
        )
        changed = self._connection.execute(
            sa.update(cases)
            .where(
                cases.c.agency_id == fresh.c.id,
                cases.c.deciding_agency_id.is_distinct_from(fresh.c.decides),
            )
            .values(deciding_agency_id=fresh.c.decides)
        )
        return changed.rowcount


@dataclass(frozen=True, slots=True)
class QueueRow:
    """One line of the reviewers' queue."""

    id: CaseId
    number: int
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


def in_scope(viewer: AccountId, now: datetime) -> sa.ColumnElement[bool]:
    """The cases a viewer may see, as a condition of the query itself.

    His grants let him see the cases of its agency, or the case came up to an agency at which a manager's grant of his
    is rooted.
    """
    rooted = grants.alias("rooted")
    return sa.or_(
        covered(viewer, SEE_CASES, now, cases.c.agency_id, cases.c.agency_path),
        sa.exists(
            sa.select(sa.literal(1))
            .where(
                rooted.c.account_id == viewer,
                rooted.c.role.in_(sorted(SEE_CASES.roles & {Role.AGENCY_MANAGER})),
                in_force(now, rooted),
                rooted.c.agency_id == cases.c.deciding_agency_id,
            )
            .correlate(cases)
        ),
    )


SORTED_BY = {"number": cases.c.number, "subject": cases.c.subject, "created_at": cases.c.created_at}


def queue(
    connection: sa.Connection,
    viewer: AccountId,
    now: datetime,
    page: Page,
    *,
    state: CaseState | None = CaseState.PENDING,
    words: str = "",
    agency_id: AgencyId | None = None,
    sort: Sort | None = None,
) -> Paged[QueueRow]:
    """The cases in the viewer's scope; unless sorted, those waiting oldest first, the decided ones newest first.

    `words` finds any part of what the type's search looks in, or a case number; `agency_id` keeps its subtree.
    """
    conditions = [in_scope(viewer, now)]
    if state is not None:
        conditions.append(cases.c.state == state.value)
    for word in words.split()[:5]:
        pattern = f"%{word.replace(chr(92), chr(92) * 2).replace('%', chr(92) + '%').replace('_', chr(92) + '_')}%"
        conditions.append(
            sa.or_(
                cases.c.search_text.ilike(pattern),
                sa.cast(cases.c.number, sa.Text) == word,
            )
        )
    if agency_id is not None:
        top = sa.select(agencies.c.path).where(agencies.c.id == agency_id).scalar_subquery()
        conditions.append(top == sa.any_(ancestor_paths(cases.c.agency_path)))
    order = cases.c.created_at if state is CaseState.PENDING else cases.c.updated_at.desc()
    total = counted(connection, sa.select(cases.c.id).where(*conditions))
    rows = connection.execute(
        sa.select(cases, agencies.c.full_name.label("agency_name"))
        .join(agencies, agencies.c.id == cases.c.agency_id)
        .where(*conditions)
        .order_by(*ordered(sort, SORTED_BY, (order, cases.c.id)))
        .limit(page.size)
        .offset(page.offset)
    )
    return Paged(
        [
            QueueRow(
                id=CaseId(row.id),
                number=row.number,
                state=CaseState(row.state),
                subject=row.subject,
                detail=row.detail,
                account_name=row.account_name,
                agency_id=AgencyId(row.agency_id),
                agency_name=row.agency_name,
                unit_name=row.unit_name,
                created_at=row.created_at,
                decided_at=row.decided_at,
                collision=row.collision,
            )
            for row in rows
        ],
        total,
        page,
    )


def count_queue(connection: sa.Connection, viewer: AccountId, now: datetime) -> int:
    """How many cases of the viewer's scope wait for a decision."""
    waiting = cases.c.state == CaseState.PENDING.value
    return counted(connection, sa.select(cases.c.id).where(waiting, in_scope(viewer, now)))


@dataclass(frozen=True, slots=True)
class DuplicateCandidate:
    """Somebody who might be the same person. Outside the viewer's scope only agency and reasons are told.

    `same` names what is equal: the mailbox, a mark of the person, the name. `fields` holds what may be
    compared side by side.
    """

    kind: str
    id: object
    in_scope: bool
    agency_name: str
    state: str
    same: frozenset[str]
    fields: dict[str, str]


def duplicate_candidates(
    connection: sa.Connection, viewer: AccountId, now: datetime, case: Case, keys: Keys, types: Mapping[str, CaseType]
) -> Sequence[DuplicateCandidate]:
    """Accounts and other open cases with the same mailbox, a same mark of the person, or the same name in the agency;
    at most 20 of each.
    """
    marks = {"mailbox": keys.index("mailbox", case.mailbox), **person_keys(case.form, keys)}
    name, own = case.form.summary.subject, list(marks.values())

    def same(row: Any, *theirs: str) -> frozenset[str]:
        equal = {mark for mark, key in marks.items() if key in theirs}
        return frozenset(equal | {"name"} if row.alike_name == name else equal)

    found = [
        DuplicateCandidate(
            "account",
            row.id if row.visible else None,
            row.visible,
            row.agency_name,
            row.state,
            same(row, row.mailbox_key, row.mobile_key),
            compared_account(row, keys) if row.visible else {},
        )
        for row in connection.execute(
            alike(
                accounts,
                accounts.c.name,
                case,
                sa.or_(accounts.c.id == viewer, accounts_in_scope(viewer, now)),
                accounts.c.mailbox_key.in_(own),
                accounts.c.mobile_key.in_(own),
            ).where(accounts.c.id.is_distinct_from(case.account_id))
        )
    ]
    return found + [
        DuplicateCandidate(
            "case",
            row.id if row.visible else None,
            row.visible,
            row.agency_name,
            row.state,
            same(row, row.mailbox_key, *row.person_keys),
            compared_case(to_case(row, keys, types), row.agency_name) if row.visible else {},
        )
        for row in connection.execute(
            alike(
                cases,
                cases.c.subject,
                case,
                in_scope(viewer, now),
                cases.c.mailbox_key.in_(own),
                cases.c.person_keys.overlap(own),
            ).where(cases.c.id != case.id, cases.c.state == CaseState.PENDING.value)
        )
    ]


def alike(
    table: sa.Table,
    name: sa.Column[str],
    case: Case,
    visible: sa.ColumnElement[bool],
    *marked: sa.ColumnElement[bool],
) -> sa.Select[Any]:
    """The rows that are marked so or have the case's name in its agency, newest first."""
    of_the_name = sa.and_(name == case.form.summary.subject, table.c.agency_id == case.agency_id)
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
        .limit(20)
    )


def compared_case(case: Case, agency_name: str) -> dict[str, str]:
    """The case in the same words as a candidate's fields."""
    return {**case.form.summary.compared, "agency": agency_name, "mailbox": case.mailbox}


def compared_account(row: Any, keys: Keys) -> dict[str, str]:
    profile = from_columns(Profile, row._asdict(), keys)
    return {
        "account_name": row.account_name,
        **profile.compared(),
        "agency": row.agency_name,
        "mailbox": keys.open("mailbox", row.mailbox_sealed),
    }
