"""What differs in the targets and is left alone; and strays, which bear our marks and are none of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import among, inserted
from hufu_registry.sync.model import STRAY
from hufu_registry.sync.store.objects import OBJECT, of_any, values_of
from hufu_registry.sync.store.tables import drifts

# What both values of a drift are sealed about.
DRIFT = "drift"


class SqlDrift:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def remember(self, differing: Mapping[OutboxKey, Mapping[str, tuple[str, str]]]) -> None:
        """On each of these objects the fields differ now, and no others: what is there, and what is wanted."""
        if not differing:
            return
        kept = [(key.object_id, field) for key, fields in differing.items() for field in fields]
        others = sa.delete(drifts).where(of_any(drifts, differing))
        if kept:
            others = others.where(sa.tuple_(drifts.c.object_id, drifts.c.field).not_in(kept))
        self._connection.execute(others)
        values = [
            {
                **values_of(key),
                "field": field,
                "since": self._now,
                "seen_at": self._now,
                "there_sealed": self._keys.seal(DRIFT, there),
                "wanted_sealed": self._keys.seal(DRIFT, wanted),
            }
            for key in sorted(differing)
            for field, (there, wanted) in sorted(differing[key].items())
        ]
        if not values:
            return
        rows = inserted(drifts, values)
        self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=[*OBJECT, "field"],
                set_={name: rows.excluded[name] for name in ("seen_at", "there_sealed", "wanted_sealed")},
            )
        )

    def drifting(self, target: Target, kind: Kind, object_ids: Collection[str]) -> frozenset[str]:
        """Those with a drift on record; a stray is none of theirs."""
        rows = self._connection.execute(
            sa.select(drifts.c.object_id)
            .distinct()
            .where(
                drifts.c.target == target.value,
                drifts.c.kind == kind.value,
                drifts.c.object_id == among(object_ids, sa.Text),
                drifts.c.field != STRAY,
            )
        )
        return frozenset(rows.scalars())

    def remember_strays(self, strays: Mapping[OutboxKey, str]) -> None:
        """Things that bear the marks of these objects and are none of ours, with where they stand."""
        if not strays:
            return
        rows = insert(drifts).values(
            [
                {
                    "target": key.target.value,
                    "kind": key.kind.value,
                    "object_id": key.object_id,
                    "field": STRAY,
                    "since": self._now,
                    "seen_at": self._now,
                    "there_sealed": self._keys.seal(DRIFT, strays[key]),
                    "wanted_sealed": self._keys.seal(DRIFT, ""),
                }
                for key in sorted(strays)
            ]
        )
        self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=[*OBJECT, "field"],
                set_={name: rows.excluded[name] for name in ("seen_at", "there_sealed")},
            )
        )

    def forget_strays(self, target: Target, kind: Kind, seen_before: datetime) -> None:
        """Those not seen any more since then."""
        self._connection.execute(
            sa.delete(drifts).where(
                drifts.c.target == target.value,
                drifts.c.kind == kind.value,
                drifts.c.field == STRAY,
                drifts.c.seen_at < seen_before,
            )
        )
