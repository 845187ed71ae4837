"""What was done in the targets, step by step, and how the queues stood in each minute."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.kernel.store import PENDING_STATES, among, inserted, outbox, pending
from hufu_registry.sync.store.objects import values_of
from hufu_registry.sync.store.tables import applied_steps, queue_samples


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step for the history; `destructive` ones are counted."""

    key: OutboxKey
    step: str
    fields: tuple[str, ...]
    destructive: bool


def _destructive(target: Target, since: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(applied_steps.c.target == target.value, applied_steps.c.destructive, applied_steps.c.at > since)


class SqlHistory:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def record(self, steps: Sequence[StepDone]) -> Sequence[int]:
        """What was done, for the history, where what somebody loses by is counted; the numbers it got there."""
        if not steps:
            return []
        values = [
            {
                **values_of(step.key),
                "step": step.step,
                "fields": " ".join(step.fields),
                "destructive": step.destructive,
                "at": self._now,
            }
            for step in steps
        ]
        rows = self._connection.execute(inserted(applied_steps, values).returning(applied_steps.c.number))
        return list(rows.scalars())

    def forget(self, numbers: Collection[int]) -> None:
        """They were counted before they happened, and then they did not."""
        if numbers:
            self._connection.execute(
                sa.delete(applied_steps).where(applied_steps.c.number == among(numbers, sa.BigInteger))
            )

    def destructive_since(self, target: Target, moment: datetime) -> int:
        return self._connection.execute(
            sa.select(sa.func.count()).select_from(applied_steps).where(_destructive(target, moment))
        ).scalar_one()

    def oldest_destructive(self, target: Target, moment: datetime, position: int) -> datetime | None:
        """When the step at that position (from 0) of those since the moment was done."""
        return self._connection.execute(
            sa.select(applied_steps.c.at)
            .where(_destructive(target, moment))
            .order_by(applied_steps.c.at)
            .offset(position)
            .limit(1)
        ).scalar_one_or_none()

    def lock_destructive(self, target: Target) -> None:
        """Until the transaction ends, nobody else counts this target's destructive steps."""
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(f"destructive:{target}"))))

    def sample_queues(self) -> None:
        """Note how each queue stands in this minute, and what was finished in the one before; once, whoever asks.

        Counted to the end, which reads all that is pending: once a minute, and by no page.
        """
        minute = self._now.replace(second=0, microsecond=0)
        of_any = queue_samples.c.target == among([target.value for target in Target], sa.Text)
        noted = sa.select(queue_samples.c.at).where(of_any, queue_samples.c.at == minute)
        if self._connection.execute(noted).first() is not None:
            return
        before = minute - timedelta(minutes=1)
        done = sa.and_(outbox.c.applied_at >= before, outbox.c.applied_at < minute)
        conditions = {name: sa.and_(pending(), such) for name, such in PENDING_STATES.items()} | {"done": done}
        counts = [sa.func.count().filter(condition).label(name) for name, condition in conditions.items()]
        rows = self._connection.execute(
            sa.select(outbox.c.target, *counts).where(sa.or_(pending(), done)).group_by(outbox.c.target)
        )
        by_target = {row.target: row._asdict() for row in rows}
        nothing = dict.fromkeys(conditions, 0)
        samples = [{**nothing, **by_target.get(target, {}), "target": target.value, "at": minute} for target in Target]
        self._connection.execute(insert(queue_samples).on_conflict_do_nothing(), samples)
