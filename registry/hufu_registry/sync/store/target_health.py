"""Whether the targets answer, and whether a person has stopped work on them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import ErrorClass
from hufu_registry.sync.store.tables import target_health


def paused_targets(connection: sa.Connection) -> frozenset[Target]:
    """Those that a person has stopped."""
    rows = connection.execute(sa.select(target_health.c.target).where(target_health.c.paused_at.is_not(None)))
    return frozenset(Target(name) for name in rows.scalars())


class SqlTargetHealth:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def seen_well(self, target: Target) -> None:
        row = insert(target_health).values(target=target.value, last_success_at=self._now)
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[target_health.c.target],
                set_={"last_success_at": self._now, "failing_since": None, "error_class": None, "error": None},
            )
        )

    def seen_failing(self, target: Target, error_class: ErrorClass, error: str) -> None:
        row = insert(target_health).values(
            target=target.value, failing_since=self._now, error_class=error_class.value, error=error
        )
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[target_health.c.target],
                set_={
                    "failing_since": sa.func.coalesce(target_health.c.failing_since, row.excluded.failing_since),
                    "error_class": row.excluded.error_class,
                    "error": row.excluded.error,
                },
            )
        )

    def is_paused(self, target: Target) -> bool:
        """By hand."""
        paused_at = sa.select(target_health.c.paused_at).where(target_health.c.target == target.value)
        return self._connection.execute(paused_at).scalar_one_or_none() is not None
