"""The cases' table, and which of its rows somebody may see."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from hufu_registry.accounts.store import MOST_TOLD, accounts, holding
from hufu_registry.accounts.use_cases.ports import Manager
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.store import PathText, agencies, at_or_below
from hufu_registry.cases.engine.model import Case, CaseState, Form
from hufu_registry.cases.engine.use_cases.ports import CaseType
from hufu_registry.kernel.errors import Conflict, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId, CaseId
from hufu_registry.kernel.keys import Keys, Unreadable
from hufu_registry.kernel.mapping import from_columns, from_document, to_columns, to_document
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.store import Moment, among, metadata
from hufu_registry.kernel.texts import folded
from hufu_registry.rights.store import covered, gives, grants, in_force

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


def deciding_agency_of(agency_path: sa.ColumnElement[str], decides: Permission, now: datetime) -> sa.ScalarSelect[Any]:
    """The nearest agency at or above the path at which a grant of somebody enabled is rooted that gives `decides`."""
    return (
        sa.select(grants.c.agency_id)
        .join(accounts, holding(decides, now))
        # The few paths above, and not `at_or_below` turned round: each is looked up in an index of the grants.
        .where(grants.c.agency_path == sa.any_(ancestor_paths(agency_path)))
        .order_by(sa.func.length(grants.c.agency_path).desc())
        .limit(1)
        .correlate_except(grants, accounts)
        .scalar_subquery()
    )


FORM = "form"


def to_case(row: sa.Row[Any], keys: Keys, types: Mapping[str, CaseType]) -> Case:
    """Raises NotFound("case") for a type that no feature declares, Conflict("case_unreadable")."""
    if row.type not in types:
        raise NotFound("case")
    try:
        # A form that names an agency names the case's, which follows when agencies merge.
        form = from_document(FORM, types[row.type].form, row.form_sealed, keys, {"agency_id": row.agency_id})
    except Unreadable as error:
        raise Conflict("case_unreadable", number=row.number) from error
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
            .where(cases.c.mailbox_key == mailbox_key, cases.c.type.in_(self._types))
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
                deciding_agency_id=sa.case(
                    *(
                        (of_them, deciding_agency_of(sa.literal(successor.path.text), decides, self._now))
                        for decides, of_them in taking(self._types, lambda kind: kind.decides)
                    )
                ),
                version=cases.c.version + 1,
                updated_at=self._now,
            )
            .returning(cases.c.id)
        )
        return sorted(CaseId(case_id) for case_id in changed.scalars())

    def deciding_agency(self, agency_id: AgencyId, decides: Permission) -> AgencyId | None:
        path = sa.select(agencies.c.path).where(agencies.c.id == agency_id).scalar_subquery()
        nearest = self._connection.execute(sa.select(deciding_agency_of(path, decides, self._now))).scalar_one()
        return None if nearest is None else AgencyId(nearest)

    def deciders(self, agency_id: AgencyId | None, decides: Permission) -> Sequence[Manager]:
        rooted = grants.c.agency_id.is_(None) if agency_id is None else grants.c.agency_id == agency_id
        rows = self._connection.execute(
            sa.select(accounts.c.mailbox_sealed, accounts.c.language, accounts.c.created_at, accounts.c.id)
            .join(grants, holding(decides, self._now))
            .where(rooted)
            .distinct()
            .order_by(accounts.c.created_at, accounts.c.id)
            .limit(MOST_TOLD)
        )
        return [Manager(row.id, self._keys.open("mailbox", row.mailbox_sealed), row.language) for row in rows]

    def seen_by(self, viewer: AccountId, case_id: CaseId) -> Case:
        case = self._one(sa.select(cases).where(cases.c.id == case_id, in_scope(viewer, self._now, self._types)))
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
            "search_text": folded("\n".join(summary.found_by)),
            "person_keys": sorted(person_keys(case.form, self._keys).values()),
            "form_sealed": to_document(FORM, case.form, self._keys),
            "deciding_agency_id": deciding_agency_of(
                sa.literal(case.agency_path.text), self._types[case.type].decides, self._now
            ),
        }

    def assign_deciders(self, agency_ids: Collection[AgencyId] | None = None) -> int:
        top = agencies.alias("top")
        concerned = sa.exists(
            sa.select(sa.literal(1)).where(
                top.c.id == among(agency_ids or (), sa.BigInteger), at_or_below(agencies.c.path, top.c.path)
            )
        )
        changed = 0
        for decides, of_them in taking(self._types, lambda kind: kind.decides):
            fresh = (
                sa.select(agencies.c.id, deciding_agency_of(agencies.c.path, decides, self._now).label("decides"))
                .where(
                    sa.exists(sa.select(sa.literal(1)).where(cases.c.agency_id == agencies.c.id, of_them)),
                    sa.true() if agency_ids is None else concerned,
                )
                .subquery("fresh")
            )
            differs = cases.c.deciding_agency_id.is_distinct_from(fresh.c.decides)
            stale = sa.and_(cases.c.agency_id == fresh.c.id, of_them, differs)
            # In id order first: an update takes its rows as they come, and two of these would wait for each other.
            held = sa.select(cases.c.id, fresh.c.decides).join(fresh, stale).order_by(cases.c.id)
            held_cases = held.with_for_update(key_share=True, of=cases).cte("held_cases")
            changed += self._connection.execute(
                sa.update(cases).where(cases.c.id == held_cases.c.id).values(deciding_agency_id=held_cases.c.decides)
            ).rowcount
        return changed


def taking(
    types: Mapping[str, CaseType], asked: Callable[[CaseType], Permission]
) -> list[tuple[Permission, sa.ColumnElement[bool]]]:
    """Each permission that is asked of cases, and which they are: those of its types. Of no declared type is none."""
    by_type = {kind.name: asked(kind) for kind in types.values()}
    return [
        (permission, cases.c.type.in_([name for name, its in by_type.items() if its is permission]))
        for permission in dict.fromkeys(by_type.values())
    ]


def in_scope(viewer: AccountId, now: datetime, types: Mapping[str, CaseType]) -> sa.ColumnElement[bool]:
    """The cases a viewer may see, as a condition of the query itself."""
    return sa.or_(
        sa.false(),
        *(
            sa.and_(of_them, allowed(viewer, permission, now))
            for permission, of_them in taking(types, lambda kind: kind.sees)
        ),
    )


def allowed(viewer: AccountId, permission: Permission, now: datetime) -> sa.ColumnElement[bool]:
    """His grants give it at the agency of the case, or the case came up to an agency at which one that gives it is
    rooted. The same as `model.may` of one case: tests/integration/test_deciding_agency.py holds the two equal.
    """
    rooted = grants.alias("rooted")
    return sa.or_(
        covered(viewer, permission, now, cases.c.agency_id, cases.c.agency_path),
        sa.exists(
            sa.select(sa.literal(1))
            .where(
                rooted.c.account_id == viewer,
                gives(permission, rooted),
                in_force(now, rooted),
                rooted.c.agency_id == cases.c.deciding_agency_id,
            )
            .correlate(cases)
        ),
    )
