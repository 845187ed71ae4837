"""The outbox as the worker's queue: claim a due row, keep it, finish it, or put it back with the reason.

A row waits, and is not due, while what it builds on is unfinished: a Keycloak row for the same object's row in
Active Directory, an account for its agency, an agency for its parent. Waiting is no error and costs no tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.model import Claimed, ErrorClass
from hufu_registry.sync.store.tables import account_id_of, agency_id_of


def _unfinished(target: sa.ColumnElement[str] | str, kind: str, object_id: sa.ColumnElement[str]) -> Any:
    before = outbox.alias("before_it")
    return sa.exists(
        sa.select(sa.literal(1))
        .where(
            before.c.target == target,
            before.c.kind == kind,
            before.c.object_id == object_id,
            before.c.wanted > before.c.done,
        )
        .correlate(outbox)
    )


def _builds_on_unfinished() -> sa.ColumnElement[bool]:
    its_agency = (
        sa.select(sa.cast(accounts.c.agency_id, sa.Text))
        .where(accounts.c.id == account_id_of(outbox))
        .correlate(outbox)
        .scalar_subquery()
    )
    its_parent = (
        sa.select(sa.cast(agencies.c.parent_id, sa.Text))
        .where(agencies.c.id == agency_id_of(outbox))
        .correlate(outbox)
        .scalar_subquery()
    )
    in_directory = sa.or_(
        *(
            sa.and_(outbox.c.kind == kind.value, _unfinished(Target.AD.value, kind.value, outbox.c.object_id))
            for kind in (Kind.ACCOUNT, Kind.AGENCY)
        )
    )
    return sa.or_(
        sa.and_(outbox.c.target == Target.KEYCLOAK.value, in_directory),
        sa.and_(outbox.c.kind == Kind.ACCOUNT.value, _unfinished(outbox.c.target, Kind.AGENCY.value, its_agency)),
        sa.and_(outbox.c.kind == Kind.AGENCY.value, _unfinished(outbox.c.target, Kind.AGENCY.value, its_parent)),
    )


def due(now: datetime) -> sa.ColumnElement[bool]:
    """Wanted, not parked, its time has come, nobody holds it, and nothing it builds on is unfinished."""
    return sa.and_(
        outbox.c.wanted > outbox.c.done,
        outbox.c.parked_at.is_(None),
        sa.or_(outbox.c.next_at.is_(None), outbox.c.next_at <= now),
        sa.or_(outbox.c.leased_until.is_(None), outbox.c.leased_until <= now),
        sa.not_(_builds_on_unfinished()),
    )


def is_row(key: OutboxKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        outbox.c.target == key.target.value, outbox.c.kind == key.kind.value, outbox.c.object_id == key.object_id
    )


def due_targets(connection: sa.Connection, now: datetime) -> Sequence[Target]:
    """The targets that have something to do now."""
    return [
        target
        for target in Target
        if connection.execute(
            sa.select(sa.literal(1)).where(outbox.c.target == target.value, due(now)).limit(1)
        ).scalar_one_or_none()
    ]


class SqlQueue:
    """One transaction's view of the queue."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def claim(self, target: Target, lease: UUID, length: timedelta) -> Claimed | None:
        """Take the most urgent due row of the target, people's single acts before bulk."""
        first = (
            sa.select(outbox.c.target, outbox.c.kind, outbox.c.object_id)
            .where(outbox.c.target == target.value, due(self._now))
            .order_by(outbox.c.bulk, outbox.c.next_at, outbox.c.object_id)
            .limit(1)
            .with_for_update(skip_locked=True, of=outbox)
            .cte("first")
        )
        row = self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.target == first.c.target,
                outbox.c.kind == first.c.kind,
                outbox.c.object_id == first.c.object_id,
            )
            .values(lease=lease, leased_until=self._now + length)
            .returning(outbox)
        ).one_or_none()
        if row is None:
            return None
        key = OutboxKey(Target(row.target), Kind(row.kind), row.object_id)
        return Claimed(key, lease, row.attempts, row.wanted_at)

    def wanted(self, claimed: Claimed) -> int | None:
        """What is wanted, as long as the lease is ours."""
        return self._connection.execute(
            sa.select(outbox.c.wanted).where(is_row(claimed.key), outbox.c.lease == claimed.lease)
        ).scalar_one_or_none()

    def keep(self, claimed: Claimed, length: timedelta) -> bool:
        """Hold the row for longer; false when somebody else has taken it over."""
        return self._put(claimed, leased_until=self._now + length)

    def finish(self, claimed: Claimed, wanted: int) -> bool:
        """Done up to `wanted`; false when the lease is no longer ours, and then nothing was written."""
        fresh = outbox.c.wanted <= wanted
        return self._put(
            claimed,
            done=sa.func.greatest(outbox.c.done, wanted),
            done_at=self._now,
            lease=None,
            leased_until=None,
            attempts=0,
            error_class=sa.case((fresh, None), else_=outbox.c.error_class),
            error=sa.case((fresh, None), else_=outbox.c.error),
            parked_at=sa.case((fresh, None), else_=outbox.c.parked_at),
        )

    def put_back(
        self, claimed: Claimed, *, error_class: ErrorClass, error: str, next_at: datetime, counts: bool = True
    ) -> bool:
        """Try again at `next_at`."""
        return self._put(
            claimed,
            lease=None,
            leased_until=None,
            attempts=outbox.c.attempts + (1 if counts else 0),
            next_at=next_at,
            error_class=error_class.value,
            error=error,
        )

    def let_wait(self, claimed: Claimed, next_at: datetime) -> bool:
        """Put it back without a word: what it builds on comes first."""
        return self._put(claimed, lease=None, leased_until=None, next_at=next_at)

    def is_pending(self, key: OutboxKey) -> bool | None:
        """Whether the row still has something to do; None where there is no such row."""
        return self._connection.execute(
            sa.select(outbox.c.wanted > outbox.c.done).where(is_row(key))
        ).scalar_one_or_none()

    def park(self, claimed: Claimed, *, error_class: ErrorClass, error: str) -> bool:
        """Leave it to a person; a new wish tries it again."""
        return self._put(
            claimed,
            lease=None,
            leased_until=None,
            attempts=outbox.c.attempts + 1,
            parked_at=self._now,
            error_class=error_class.value,
            error=error,
        )

    def retry_failed(self, target: Target) -> int:
        """The target is back: what failed for its sake is due at once."""
        result = self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.target == target.value,
                outbox.c.wanted > outbox.c.done,
                outbox.c.parked_at.is_(None),
                outbox.c.error_class.in_([ErrorClass.TRANSIENT.value, ErrorClass.MISCONFIGURED.value]),
                outbox.c.next_at > self._now,
            )
            .values(next_at=self._now)
        )
        return result.rowcount

    def _put(self, claimed: Claimed, **values: Any) -> bool:
        result = self._connection.execute(
            sa.update(outbox).where(is_row(claimed.key), outbox.c.lease == claimed.lease).values(**values)
        )
        return bool(result.rowcount)
