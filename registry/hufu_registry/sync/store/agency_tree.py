"""What the targets' trees are made of: the agencies that are needed there, and what stands beside and in one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import sqlalchemy as sa

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.store import among
from hufu_registry.sync.model.naming import Sibling

NEEDED = sa.text(
    """
    WITH standing AS NOT MATERIALIZED (
        SELECT agency_path FROM accounts
        WHERE state <> 'deleted' OR EXISTS (
            SELECT FROM bindings b
            WHERE b.target = :target AND b.kind = 'account' AND b.object_id = accounts.id::text
        )
    )
    SELECT asked.path FROM unnest(:paths) AS asked(path)
    WHERE EXISTS (SELECT FROM standing s WHERE s.agency_path = asked.path COLLATE "C")
       OR EXISTS (
            SELECT FROM standing s
            WHERE s.agency_path >= (asked.path || '.') COLLATE "C" AND s.agency_path < (asked.path || '/') COLLATE "C"
       )
    """
).bindparams(sa.bindparam("paths", type_=sa.ARRAY(sa.Text)))


class SqlAgencyTree:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def needed(self, target: Target, agency_paths: Collection[str]) -> frozenset[str]:
        """Those of the agencies at or below which accounts stand, or still stand in the target though deleted."""
        if not agency_paths:
            return frozenset()
        return frozenset(
            self._connection.execute(NEEDED, {"target": target.value, "paths": list(agency_paths)}).scalars()
        )

    def siblings(self, parents: Collection[AgencyId | None]) -> list[list[Sibling]]:
        """All agencies under each of these parents (None for the top)."""
        if not parents:
            return []
        under = agencies.c.parent_id == among([parent for parent in parents if parent is not None], sa.BigInteger)
        if None in parents:
            under = sa.or_(under, agencies.c.parent_id.is_(None))
        families: dict[int | None, list[Sibling]] = {}
        query = sa.select(agencies.c.id, agencies.c.parent_id, agencies.c.name, agencies.c.oid).where(under)
        for row in self._connection.execute(query):
            distinction = row.oid.rpartition(".")[2] if row.oid else str(row.id)
            families.setdefault(row.parent_id, []).append(Sibling(row.id, row.name, distinction))
        return list(families.values())

    def accounts_at(self, agency_id: AgencyId) -> Sequence[AccountId]:
        """The accounts of the agency itself that are not deleted."""
        rows = self._connection.execute(
            sa.select(accounts.c.id).where(accounts.c.agency_id == agency_id, accounts.c.state != "deleted")
        )
        return [AccountId(row.id) for row in rows]
