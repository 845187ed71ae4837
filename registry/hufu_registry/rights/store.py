"""The grants' table. The path is copied from the agency and follows it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.agencies.store import PathText, agencies, below
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.mapping import from_rows, to_columns
from hufu_registry.kernel.permissions import Permission, Role
from hufu_registry.kernel.store import Moment, among, metadata
from hufu_registry.rights.model import Grant, Rights

grants = sa.Table(
    "grants",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger),
    sa.Column("agency_path", PathText),
    sa.Column("with_subordinates", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("valid_until", Moment),
    sa.Column("ended_at", Moment),
    sa.ForeignKeyConstraint(
        ["agency_id", "agency_path"],
        ["agencies.id", "agencies.path"],
        onupdate="CASCADE",
        name="fk_grants_agency",
    ),
    sa.CheckConstraint("role IN ('agency_manager','system_manager')", name="role"),
    sa.CheckConstraint("(role = 'system_manager') = (agency_id IS NULL)", name="agency_of_role"),
    sa.CheckConstraint("(agency_id IS NULL) = (agency_path IS NULL)", name="path_of_agency"),
    sa.Index(
        "uq_grants_in_force",
        "account_id",
        "role",
        "agency_id",
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    ),
    sa.Index("ix_grants_agency_id", "agency_id", postgresql_where=sa.text("ended_at IS NULL")),
)


def in_force(now: datetime, table: sa.FromClause = grants) -> sa.ColumnElement[bool]:
    """Of the grants, or of an alias of theirs."""
    return sa.and_(
        table.c.ended_at.is_(None),
        table.c.valid_from <= now,
        sa.or_(table.c.valid_until.is_(None), table.c.valid_until > now),
    )


def gives(permission: Permission, table: sa.FromClause = grants) -> sa.ColumnElement[bool]:
    """Of the grants, or of an alias of theirs, as `in_force`."""
    return table.c.role.in_(sorted(role.value for role in permission.roles))


def covered(
    viewer: AccountId,
    permission: Permission,
    now: datetime,
    agency_id: sa.ColumnElement[Any],
    agency_path: sa.ColumnElement[Any],
) -> sa.ColumnElement[bool]:
    """Whether the viewer has the permission at the agency (never a unit) of these columns, for a list's own query.

    The same as `Rights.allows` of one object: tests/integration/test_rights.py holds the two equal.
    """
    own = grants.alias("own_grants")
    return sa.exists(
        sa.select(sa.literal(1))
        .where(
            own.c.account_id == viewer,
            in_force(now, own),
            gives(permission, own),
            sa.or_(
                own.c.agency_id.is_(None),
                own.c.agency_id == agency_id,
                sa.and_(own.c.with_subordinates, below(agency_path, own.c.agency_path)),
            ),
        )
        .correlate_except(own)
    )


def scope_of(
    connection: sa.Connection, account_id: AccountId, permission: Permission, now: datetime
) -> frozenset[AgencyId] | None:
    """The agencies where the account has the permission; None for all there are and will be."""
    if SqlGrants(connection, now, set()).of(account_id).gives_everywhere(permission):
        return None
    covers = covered(account_id, permission, now, agencies.c.id, agencies.c.path)
    return frozenset(connection.execute(sa.select(agencies.c.id).where(covers)).scalars())


class SqlGrants:
    """`changed` is told the agencies whose managers are not the same as before."""

    def __init__(self, connection: sa.Connection, now: datetime, changed: set[AgencyId]) -> None:
        self._connection = connection
        self._now = now
        self._changed = changed

    def of(self, account_id: AccountId, *, lock: bool = False) -> Rights:
        query = sa.select(grants).where(grants.c.account_id == account_id, in_force(self._now)).order_by(grants.c.id)
        rows = self._connection.execute(query.with_for_update(read=True) if lock else query)
        return Rights(account_id, tuple(from_rows(Grant, rows)))

    def scope(self, account_id: AccountId, permission: Permission) -> frozenset[AgencyId] | None:
        return scope_of(self._connection, account_id, permission, self._now)

    def standing(self, account_ids: Collection[AccountId]) -> list[Grant]:
        return self._not_over(grants.c.account_id == among(account_ids, sa.Uuid))

    def rooted_at(self, agency_ids: Collection[AgencyId]) -> list[Grant]:
        return self._not_over(grants.c.agency_id == among(agency_ids, sa.BigInteger))

    def unended(self, account_id: AccountId, role: Role, agency_id: AgencyId | None) -> Grant | None:
        rows = self._connection.execute(
            sa.select(grants).where(
                grants.c.account_id == account_id,
                grants.c.role == role.value,
                grants.c.agency_id.is_not_distinct_from(agency_id),
                grants.c.ended_at.is_(None),
            )
        )
        return next(iter(from_rows(Grant, rows)), None)

    def _not_over(self, condition: sa.ColumnElement[bool]) -> list[Grant]:
        not_over = sa.or_(grants.c.valid_until.is_(None), grants.c.valid_until > self._now)
        rows = self._connection.execute(
            sa.select(grants).where(condition, grants.c.ended_at.is_(None), not_over).order_by(grants.c.id)
        )
        return from_rows(Grant, rows)

    def end(self, grant_ids: Collection[UUID]) -> None:
        ending = sa.and_(grants.c.id == among(grant_ids, sa.Uuid), grants.c.ended_at.is_(None))
        ended = sa.update(grants).where(ending).values(ended_at=self._now).returning(grants.c.agency_id)
        self._note(self._connection.execute(ended).scalars())

    def add(self, grant: Grant) -> bool:
        result = self._connection.execute(
            insert(grants).values(to_columns(grant)).on_conflict_do_nothing().returning(grants.c.id)
        )
        self._note([grant.agency_id])
        return result.first() is not None

    def holder_changed(self, account_id: AccountId) -> None:
        self._note(grant.agency_id for grant in self.standing([account_id]))

    def _note(self, agency_ids: Iterable[AgencyId | None]) -> None:
        self._changed |= {AgencyId(agency_id) for agency_id in agency_ids if agency_id is not None}

    def lock(self, ending: Sequence[Grant], asker: AccountId | None) -> None:
        if not ending:
            if asker is not None:
                self.of(asker, lock=True)
            return
        held = grants.c.id == among([grant.id for grant in ending], sa.Uuid)
        if asker is not None:
            held = sa.or_(held, grants.c.account_id == asker)
        if any(grant.agency_id is None for grant in ending):
            held = sa.or_(held, grants.c.agency_id.is_(None))
        rows = sa.select(grants.c.id).where(held, grants.c.ended_at.is_(None)).order_by(grants.c.id)
        self._connection.execute(rows.with_for_update())

    def system_managers(self) -> list[AccountId]:
        self._connection.execute(sa.text("LOCK TABLE grants IN SHARE ROW EXCLUSIVE MODE"))
        query = sa.select(grants.c.account_id).where(grants.c.role == Role.SYSTEM_MANAGER.value, in_force(self._now))
        return [AccountId(account_id) for account_id in self._connection.execute(query).scalars()]
