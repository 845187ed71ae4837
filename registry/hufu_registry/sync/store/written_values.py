"""What we last wrote into the targets' fields, as hashes: whatever else stands there, somebody else wrote."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa

from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.kernel.store import inserted
from hufu_registry.sync.store.objects import OBJECT, key_of, of_any, values_of
from hufu_registry.sync.store.tables import written_fields


class SqlWrittenValues:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def several(self, keys: Collection[OutboxKey]) -> dict[OutboxKey, dict[str, str]]:
        """Field → hash of what we last wrote there, for each object we ever wrote."""
        hashes: dict[OutboxKey, dict[str, str]] = {}
        for row in self._connection.execute(sa.select(written_fields).where(of_any(written_fields, keys))):
            hashes.setdefault(key_of(row), {})[row.field] = row.hash
        return hashes

    def remember(self, hashes: Mapping[OutboxKey, Mapping[str, str]]) -> None:
        values = [
            {**values_of(key), "field": field, "hash": digest, "written_at": self._now}
            for key in sorted(hashes)
            for field, digest in sorted(hashes[key].items())
        ]
        if not values:
            return
        rows = inserted(written_fields, values)
        self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=[*OBJECT, "field"],
                set_={"hash": rows.excluded.hash, "written_at": rows.excluded.written_at},
            )
        )
