"""Lists of accounts for pages, and whose accounts somebody may see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.permissions import EDIT_ACCOUNTS, SEE_ACCOUNTS
from hufu_registry.accounts.store.repository import accounts, holding
from hufu_registry.agencies.model import Path
from hufu_registry.agencies.store import agencies, subtree_of
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.paging import Head, Page, Paged, Sort
from hufu_registry.kernel.permissions import Role
from hufu_registry.kernel.store import among, ordered, page_of
from hufu_registry.kernel.texts import words_of
from hufu_registry.rights.store import covered, grants, in_force

SORTED_BY = {
    "account_name": accounts.c.name_key,
    "name": accounts.c.name,
    "agency": accounts.c.agency_path,
    "approved_at": accounts.c.approved_at,
    "state": accounts.c.state,
}
USUAL = (accounts.c.agency_path, accounts.c.name_key, accounts.c.id)


class Holds(StrEnum):
    """權限: a role that somebody holds anywhere, or none."""

    ORDINARY = "ordinary"
    AGENCY_MANAGER = Role.AGENCY_MANAGER
    SYSTEM_MANAGER = Role.SYSTEM_MANAGER


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One line of a list of accounts; `roles` are those its owner holds, wherever that is."""

    id: AccountId
    account_name: str
    name: str
    title: str
    agency_id: AgencyId
    agency_name: str
    unit_name: str
    state: AccountState
    approved_at: datetime
    roles: Sequence[str]


@dataclass(frozen=True, slots=True)
class PeopleFilter:
    """What a list of accounts is narrowed to. `words` finds any part of 姓名 or account name; `agency_id` keeps its
    subtree, as does `within`, where the viewer works now; `agency_ids` those that belong to one of them.
    """

    state: AccountState | None = None
    words: str = ""
    holds: Holds | None = None
    agency_id: AgencyId | None = None
    within: AgencyId | None = None
    agency_ids: Collection[AgencyId] | None = None

    def conditions(self, now: datetime) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = [
            sa.or_(sa.func.strpos(accounts.c.name_folded, word) > 0, sa.func.strpos(accounts.c.name_key, word) > 0)
            for word in words_of(self.words)
        ]
        if self.state is not None:
            found.append(accounts.c.state == self.state.value)
        if self.holds is Holds.ORDINARY:
            found.append(~sa.exists(roles_held(now)))
        elif self.holds is not None:
            found.append(sa.exists(roles_held(now).where(grants.c.role == self.holds.value)))
        tops = [agency_id for agency_id in (self.agency_id, self.within) if agency_id is not None]
        found.extend(subtree_of(agency_id, accounts.c.agency_path) for agency_id in tops)
        if self.agency_ids is not None:
            found.append(accounts.c.agency_id.in_(self.agency_ids))
        return found


@dataclass(frozen=True, slots=True)
class ManagerRow:
    """Somebody who manages an agency."""

    account_id: AccountId
    account_name: str
    name: str
    title: str
    state: AccountState
    with_subordinates: bool
    since: datetime


def in_scope(viewer: AccountId, now: datetime) -> sa.ColumnElement[bool]:
    """The accounts a viewer may see, as a condition of the query itself."""
    return covered(viewer, SEE_ACCOUNTS, now, accounts.c.agency_id, accounts.c.agency_path)


def is_in_scope(connection: sa.Connection, viewer: AccountId, now: datetime, account_id: AccountId) -> bool:
    """Whether the viewer may see this account."""
    query = sa.select(accounts.c.id).where(accounts.c.id == account_id, in_scope(viewer, now))
    return connection.execute(query).first() is not None


def names_of(connection: sa.Connection, account_ids: Collection[AccountId]) -> dict[AccountId, str]:
    """姓名 of those of them that there are."""
    query = sa.select(accounts.c.id, accounts.c.name).where(accounts.c.id == among(account_ids, sa.Uuid))
    return {AccountId(row.id): row.name for row in connection.execute(query)} if account_ids else {}


def roles_held(now: datetime) -> sa.Select[Any]:
    """The roles of an account of the query around it."""
    held = sa.select(grants.c.role).where(grants.c.account_id == accounts.c.id, in_force(now))
    return held.correlate(accounts).order_by(grants.c.role)


def people_among(
    viewer: AccountId, now: datetime, conditions: Sequence[sa.ColumnElement[bool]]
) -> tuple[sa.Select[Any], sa.Select[Any]]:
    """The accounts of the viewer's scope that are like that: what a line shows of them, and all there are."""
    narrowed = [in_scope(viewer, now), *conditions]
    roles = sa.func.array(roles_held(now).distinct().scalar_subquery())
    rows = (
        sa.select(accounts, agencies.c.full_name.label("agency_name"), roles.label("roles"))
        .join(agencies, agencies.c.id == accounts.c.agency_id)
        .where(*narrowed)
    )
    return rows, sa.select(accounts.c.id).where(*narrowed)


def people(
    connection: sa.Connection,
    viewer: AccountId,
    now: datetime,
    page: Page,
    only: PeopleFilter,
    *,
    sort: Sort | None = None,
) -> Paged[AccountRow]:
    """The accounts in the viewer's scope, by agency and name unless sorted."""
    rows, all_of = people_among(viewer, now, only.conditions(now))
    return page_of(connection, AccountRow, rows.order_by(*ordered(sort, SORTED_BY, USUAL)), page, all_of=all_of)


def managers_of(connection: sa.Connection, agency_id: AgencyId, now: datetime, most: int = 100) -> Head[ManagerRow]:
    """Those whose grant is rooted at the agency, longest first."""
    rows = connection.execute(managing(agency_id, now).order_by(grants.c.valid_from, grants.c.id).limit(most + 1))
    return Head.of([to_manager(row) for row in rows], most)


def nearest_managers(
    connection: sa.Connection, path: Path, now: datetime, most: int = 3
) -> tuple[AgencyId, Head[ManagerRow]] | None:
    """Who manages the people of the agency at this path: those of the nearest agency that has some, and which it is."""
    rooted = grants.c.agency_id == among(path.ids, sa.BigInteger)
    nearest = (
        sa.select(grants.c.agency_id)
        .join(accounts, holding(EDIT_ACCOUNTS, now))
        .where(rooted, sa.or_(grants.c.with_subordinates, grants.c.agency_id == path.ids[-1]))
        .order_by(sa.func.length(grants.c.agency_path).desc())
        .limit(1)
    )
    agency_id = connection.execute(nearest).scalar_one_or_none()
    if agency_id is None:
        return None
    rows = connection.execute(
        managing(AgencyId(agency_id), now)
        .where(
            accounts.c.state == AccountState.ENABLED.value,
            sa.or_(grants.c.with_subordinates, grants.c.agency_id == path.ids[-1]),
        )
        .order_by(grants.c.valid_from, grants.c.id)
        .limit(most + 1)
    )
    return AgencyId(agency_id), Head.of([to_manager(row) for row in rows], most)


def manager_of(connection: sa.Connection, agency_id: AgencyId, now: datetime, account_id: AccountId) -> ManagerRow:
    """Raises NotFound("account") for somebody who does not manage it."""
    row = connection.execute(managing(agency_id, now).where(accounts.c.id == account_id)).first()
    if row is None:
        raise NotFound("account")
    return to_manager(row)


def managing(agency_id: AgencyId, now: datetime) -> sa.Select[Any]:
    # By the role and no permission: these are the grants that `appoint_manager` gives and `dismiss_manager` ends.
    return (
        sa.select(accounts, grants.c.with_subordinates, grants.c.valid_from)
        .join(grants, grants.c.account_id == accounts.c.id)
        .where(grants.c.agency_id == agency_id, grants.c.role == Role.AGENCY_MANAGER.value, in_force(now))
    )


def to_manager(row: Any) -> ManagerRow:
    return ManagerRow(
        account_id=AccountId(row.id),
        account_name=row.account_name,
        name=row.name,
        title=row.title,
        state=AccountState(row.state),
        with_subordinates=row.with_subordinates,
        since=row.valid_from,
    )
