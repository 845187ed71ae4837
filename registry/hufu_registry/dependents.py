"""Who hangs on agencies. Part of the composition: only here may agencies meet the features to their left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.model import Agency
from hufu_registry.cases.engine.store import cases, deciding_agency_of
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import outbox
from hufu_registry.rights.store import grants


class SqlDependents:
    """Accounts that are not deleted, grants that are not over, cases that wait."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def held_by(self, agency_ids: Collection[AgencyId]) -> Mapping[AgencyId, frozenset[str]]:
        alive = accounts.c.state != "deleted"
        not_over = sa.and_(
            grants.c.ended_at.is_(None), sa.or_(grants.c.valid_until.is_(None), grants.c.valid_until > self._now)
        )
        waiting = cases.c.state == "pending"
        held = sa.union(
            _held(accounts.c.agency_id, "accounts", alive),
            _held(accounts.c.unit_id, "accounts", alive),
            _held(grants.c.agency_id, "grants", not_over),
            _held(cases.c.agency_id, "cases", waiting),
            _held(cases.c.unit_id, "cases", waiting),
        ).subquery("held")
        asked = sa.func.any(sa.literal(list(agency_ids), sa.ARRAY(sa.BigInteger)))
        found: dict[AgencyId, set[str]] = defaultdict(set)
        for row in self._connection.execute(sa.select(held).where(held.c.agency_id == asked)):
            found[AgencyId(row.agency_id)].add(row.what)
        return {agency_id: frozenset(what) for agency_id, what in found.items()}

    def readdress_cases(self, agency_id: AgencyId, successor: Agency) -> Sequence[str]:
        changed = self._connection.execute(
            sa.update(cases)
            .where(cases.c.agency_id == agency_id, cases.c.state == "pending")
            .values(
                agency_id=successor.id,
                agency_path=successor.path.text,
                deciding_agency_id=deciding_agency_of(sa.literal(successor.path.text), self._now),
                version=cases.c.version + 1,
                updated_at=self._now,
            )
            .returning(sa.cast(cases.c.id, sa.Text))
        )
        return sorted(changed.scalars())

    def unit_renamed(self, unit_id: AgencyId, name: str) -> Sequence[OutboxKey]:
        changed = self._connection.execute(
            sa.update(accounts)
            .where(accounts.c.unit_id == unit_id, accounts.c.state != "deleted")
            .values(unit_name=name, version=accounts.c.version + 1)
            .returning(sa.cast(accounts.c.id, sa.Text))
        )
        ids = list(changed.scalars())
        rows = self._connection.execute(
            sa.select(outbox.c.target, outbox.c.object_id).where(
                outbox.c.kind == Kind.ACCOUNT.value,
                outbox.c.object_id == sa.func.any(sa.literal(ids, sa.ARRAY(sa.Text))),
            )
        )
        return [OutboxKey(Target(row.target), Kind.ACCOUNT, row.object_id) for row in rows]


def _held(agency_id: sa.Column[int], what: str, condition: sa.ColumnElement[bool]) -> sa.Select[int, str]:
    return sa.select(agency_id.label("agency_id"), sa.literal(what).label("what")).where(
        agency_id.is_not(None), condition
    )
