"""Rows that are about an object in a target."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import among

OBJECT = ("target", "kind", "object_id")


def of_any(table: sa.Table, keys: Collection[OutboxKey]) -> sa.ColumnElement[bool]:
    groups: dict[tuple[Target, Kind], list[str]] = {}
    for key in keys:
        groups.setdefault((key.target, key.kind), []).append(key.object_id)
    return sa.or_(
        sa.false(),
        *(
            sa.and_(
                table.c.target == target.value, table.c.kind == kind.value, table.c.object_id == among(ids, sa.Text)
            )
            for (target, kind), ids in groups.items()
        ),
    )


def key_of(row: Any) -> OutboxKey:
    return OutboxKey(Target(row.target), Kind(row.kind), row.object_id)


def values_of(key: OutboxKey) -> dict[str, str]:
    return {"target": key.target.value, "kind": key.kind.value, "object_id": key.object_id}
