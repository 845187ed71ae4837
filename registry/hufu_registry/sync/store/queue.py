"""The outbox as the worker's queue: claim due rows, keep them, finish them, or put them back with the reason.

A row waits, and is not due, while what it builds on is on its way: a Keycloak row until the same object's row in
Active Directory is done, an account until its agency stands in the target, an agency until its parent does. Waiting is
no error and costs no tries. Taking away never waits: an account that may not sign in any more is disabled in Keycloak
while Active Directory is away. Nor does Keycloak wait for a person where Active Directory only refused a value.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, OutboxKey, Target
from hufu_registry.kernel.store import among, outbox, pending
from hufu_registry.sync.model import Claimed, Code, ErrorClass
from hufu_registry.sync.store.tables import account_id_of, agency_id_of, bindings, target_health

LONGEST_LEASE = timedelta(minutes=10)
# Destructive steps above their limit wait for an hour at the most, all else for a quarter of one.
LONGEST_PAUSE = timedelta(minutes=65)
TAKEN_AWAY = (AccountState.DISABLED.value, AccountState.DELETED.value)


def _stands(row: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether the row's object is known to stand in its target."""
    same = [bindings.c[name] == row.c[name] for name in ("target", "kind", "object_id")]
    return sa.exists(sa.select(sa.literal(1)).where(*same).correlate(row))


def _waits_for_directory() -> sa.ColumnElement[bool]:
    in_directory = outbox.alias("in_directory")
    refused_a_value = sa.and_(
        in_directory.c.parked_at.is_not(None), in_directory.c.error == Code.AD_REFUSED_VALUE.value
    )
    taking_away = sa.and_(
        sa.exists(
            sa.select(sa.literal(1))
            .where(accounts.c.id == account_id_of(outbox), accounts.c.state.in_(TAKEN_AWAY))
            .correlate(outbox)
        ),
        _stands(outbox),
    )
    return sa.exists(
        sa.select(sa.literal(1))
        .where(
            in_directory.c.target == Target.AD.value,
            in_directory.c.kind == outbox.c.kind,
            in_directory.c.object_id == outbox.c.object_id,
            pending(in_directory),
            sa.not_(sa.and_(refused_a_value, _stands(in_directory))),
            sa.not_(taking_away),
        )
        .correlate(outbox)
    )


def _waits_for_agency(target: Target) -> sa.ColumnElement[bool]:
    home, parent = outbox.alias("home"), outbox.alias("parent")
    taking_away = sa.and_(accounts.c.state.in_(TAKEN_AWAY), _stands(outbox))
    of_account = (
        sa.select(sa.literal(1))
        .join_from(accounts, home, home.c.object_id == sa.cast(accounts.c.agency_id, sa.Text))
        .where(
            accounts.c.id == account_id_of(outbox),
            home.c.target == target.value,
            home.c.kind == Kind.AGENCY.value,
            pending(home),
            # One that stands is renamed or moved: that is nothing an account in it has to wait for.
            sa.not_(_stands(home)),
            sa.not_(taking_away),
        )
    )
    of_agency = (
        sa.select(sa.literal(1))
        .join_from(agencies, parent, parent.c.object_id == sa.cast(agencies.c.parent_id, sa.Text))
        .where(
            agencies.c.id == agency_id_of(outbox),
            parent.c.target == target.value,
            parent.c.kind == Kind.AGENCY.value,
            pending(parent),
            sa.not_(_stands(parent)),
        )
    )
    return sa.or_(sa.exists(of_account.correlate(outbox)), sa.exists(of_agency.correlate(outbox)))


def waits_for() -> sa.ColumnElement[str | None]:
    """The code of what a row builds on, as long as that is unfinished."""
    directory = sa.and_(outbox.c.target == Target.KEYCLOAK.value, _waits_for_directory())
    agency = [sa.and_(outbox.c.target == target.value, _waits_for_agency(target)) for target in STATE_TARGETS]
    return sa.case((directory, Code.WAITS_FOR_AD.value), (sa.or_(*agency), Code.WAITS_FOR_AGENCY.value))


def _paused(target: Target) -> sa.ColumnElement[bool]:
    paused = sa.select(sa.literal(1)).where(
        target_health.c.target == target.value, target_health.c.paused_at.is_not(None)
    )
    return sa.exists(paused)


def _is_over(until: sa.ColumnElement[datetime], now: datetime, longest: timedelta) -> sa.ColumnElement[bool]:
    """Also where it lies further ahead than it ever can: a clock that was wrong wrote that."""
    return sa.or_(until.is_(None), until <= now, until > now + longest)


def _free(target: Target, now: datetime) -> sa.ColumnElement[bool]:
    """Nobody holds it, and nothing it builds on is unfinished."""
    conditions = [
        outbox.c.target == target.value,
        _is_over(outbox.c.leased_until, now, LONGEST_LEASE),
    ]
    if target is not Target.MAIL:
        conditions.append(sa.not_(_waits_for_agency(target)))
    if target is Target.KEYCLOAK:
        conditions.append(sa.not_(_waits_for_directory()))
    return sa.and_(*conditions)


def due(target: Target, now: datetime) -> sa.ColumnElement[bool]:
    """Besides being free: wanted, not parked, its time has come, and the target is not paused by hand."""
    come = _is_over(outbox.c.next_at, now, LONGEST_PAUSE)
    return sa.and_(pending(), _free(target, now), outbox.c.parked_at.is_(None), come, sa.not_(_paused(target)))


def is_row(key: OutboxKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        outbox.c.target == key.target.value, outbox.c.kind == key.kind.value, outbox.c.object_id == key.object_id
    )


def due_targets(connection: sa.Connection, now: datetime) -> Sequence[Target]:
    """The targets that have something to do now."""
    return [
        target
        for target in Target
        if connection.execute(sa.select(sa.literal(1)).where(due(target, now)).limit(1)).scalar_one_or_none()
    ]


# Up to the number under which the state was read: what was wanted since is still to do, and keeps its own failure.
FINISH = sa.text(
    """
    UPDATE outbox SET
        applied_generation = greatest(outbox.applied_generation, it.generation), applied_at = :now,
        lease = NULL, leased_until = NULL, in_flight = false,
        attempts = 0,
        error_class = CASE WHEN outbox.generation > it.generation THEN outbox.error_class END,
        error = CASE WHEN outbox.generation > it.generation THEN outbox.error END,
        parked_at = CASE WHEN outbox.generation > it.generation THEN outbox.parked_at END
    FROM unnest(:targets, :kinds, :object_ids, :leases, :numbers) AS it(target, kind, object_id, lease, generation)
    WHERE outbox.target = it.target AND outbox.kind = it.kind AND outbox.object_id = it.object_id
      AND outbox.lease = it.lease
    RETURNING outbox.target, outbox.kind, outbox.object_id
    """
).bindparams(
    sa.bindparam("targets", type_=sa.ARRAY(sa.Text)),
    sa.bindparam("kinds", type_=sa.ARRAY(sa.Text)),
    sa.bindparam("object_ids", type_=sa.ARRAY(sa.Text)),
    sa.bindparam("leases", type_=sa.ARRAY(sa.Uuid)),
    sa.bindparam("numbers", type_=sa.ARRAY(sa.BigInteger)),
)


class SqlQueue:
    """One transaction's view of the queue."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def claim(
        self, target: Target, lease: UUID, length: timedelta, *, limit: int = 1, bulk: bool | None = None
    ) -> list[Claimed]:
        """Take the most urgent due rows of the target. Bulk and people's single acts never come together."""
        condition = due(target, self._now)
        if bulk is not None:
            condition = sa.and_(condition, outbox.c.bulk.is_(bulk))
        first = (
            sa.select(outbox.c.kind, outbox.c.object_id, outbox.c.bulk, outbox.c.in_flight)
            .where(condition)
            .order_by(outbox.c.bulk, outbox.c.next_at, outbox.c.object_id)
            .limit(limit)
            # Lanes take side by side: who finds a row in another's hand goes on to the next.
            .with_for_update(skip_locked=True, of=outbox)
            .cte("first")
        )
        # Where a batch reaches from people's acts into bulk, only these acts are taken: nobody waits for the bulk.
        all_bulk = sa.select(sa.func.bool_and(first.c.bulk)).scalar_subquery()
        return self._take(
            sa.and_(
                outbox.c.target == target.value,
                outbox.c.kind == first.c.kind,
                outbox.c.object_id == first.c.object_id,
                first.c.bulk == all_bulk,
            ),
            first,
            lease,
            length,
        )

    def claim_key(self, key: OutboxKey, lease: UUID, length: timedelta) -> Claimed | None:
        """Take this row out of its turn, even parked, paused or done; None where somebody has it, or it must wait."""
        row = sa.select(outbox.c.object_id, outbox.c.in_flight).where(is_row(key), _free(key.target, self._now))
        free = row.with_for_update(skip_locked=True, of=outbox).cte("free")
        condition = sa.and_(is_row(key), outbox.c.object_id == free.c.object_id)
        return next(iter(self._take(condition, free, lease, length)), None)

    def _take(self, condition: sa.ColumnElement[bool], before: sa.CTE, lease: UUID, length: timedelta) -> list[Claimed]:
        rows = self._connection.execute(
            sa.update(outbox)
            .where(condition)
            .values(lease=lease, leased_until=self._now + length, in_flight=True)
            .returning(
                outbox.c.target,
                outbox.c.kind,
                outbox.c.object_id,
                outbox.c.attempts,
                outbox.c.requested_at,
                outbox.c.generation,
                outbox.c.next_at,
                # As it was before: only of what somebody had begun is looked for what he left behind (0029).
                before.c.in_flight,
            )
        ).all()
        return [
            Claimed(
                OutboxKey(Target(row.target), Kind(row.kind), row.object_id),
                lease,
                row.attempts,
                row.requested_at,
                row.generation,
                row.in_flight,
            )
            for row in sorted(rows, key=lambda row: (row.next_at or self._now, row.object_id))
        ]

    def generations(self, claimed: Sequence[Claimed]) -> dict[OutboxKey, int]:
        """What is wanted of each, as long as the lease is ours; in the order asked."""
        rows = self._connection.execute(
            sa.select(outbox.c.target, outbox.c.kind, outbox.c.object_id, outbox.c.generation).where(_held(claimed))
        )
        numbers = {OutboxKey(Target(row.target), Kind(row.kind), row.object_id): int(row.generation) for row in rows}
        return {row.key: numbers[row.key] for row in claimed if row.key in numbers}

    def keep(self, claimed: Sequence[Claimed], length: timedelta) -> frozenset[OutboxKey]:
        """Hold the rows for longer; those that are still ours."""
        rows = self._connection.execute(
            sa.update(outbox)
            .where(_held(claimed))
            .values(leased_until=self._now + length)
            .returning(outbox.c.target, outbox.c.kind, outbox.c.object_id)
        )
        return frozenset(OutboxKey(Target(row.target), Kind(row.kind), row.object_id) for row in rows)

    def finish(self, done: Mapping[Claimed, int]) -> frozenset[OutboxKey]:
        """Each is done up to its number; those that were still ours, and nothing was written for the others."""
        if not done:
            return frozenset()
        ordered = sorted(done, key=lambda row: row.key)
        rows = self._connection.execute(
            FINISH,
            {
                "now": self._now,
                "targets": [row.key.target.value for row in ordered],
                "kinds": [row.key.kind.value for row in ordered],
                "object_ids": [row.key.object_id for row in ordered],
                "leases": [row.lease for row in ordered],
                "numbers": [done[row] for row in ordered],
            },
        )
        return frozenset(OutboxKey(Target(row.target), Kind(row.kind), row.object_id) for row in rows)

    def put_back(
        self, claimed: Claimed, *, error_class: ErrorClass, error: str, next_at: datetime, counts: bool = True
    ) -> bool:
        """Try again at `next_at`."""
        return self._put(
            claimed,
            attempts=outbox.c.attempts + (1 if counts else 0),
            next_at=next_at,
            error_class=error_class.value,
            error=error,
            error_fields=[],
        )

    def let_wait(self, claimed: Claimed, next_at: datetime) -> bool:
        """Put it back without a word: something else comes first."""
        return self._put(claimed, next_at=next_at)

    def is_pending(self, key: OutboxKey) -> bool | None:
        """Whether the row still has something to do; None where there is no such row."""
        return self._connection.execute(sa.select(pending()).where(is_row(key))).scalar_one_or_none()

    def in_flight(self, keys: Collection[OutboxKey]) -> set[OutboxKey]:
        """Those that somebody held and noted nothing of since."""
        wanted = set(keys)
        rows = self._connection.execute(
            sa.select(outbox.c.target, outbox.c.kind, outbox.c.object_id).where(
                outbox.c.object_id == among({key.object_id for key in wanted}, sa.Text), outbox.c.in_flight
            )
        )
        return wanted & {OutboxKey(Target(row.target), Kind(row.kind), row.object_id) for row in rows}

    def under_way(self, target: Target, kind: Kind, object_ids: Collection[str]) -> set[str]:
        """Those of the objects that still have something to do, and are not left to a person."""
        rows = self._connection.execute(
            sa.select(outbox.c.object_id).where(
                outbox.c.target == target.value,
                outbox.c.kind == kind.value,
                outbox.c.object_id == among(list(object_ids), sa.Text),
                pending(),
                outbox.c.parked_at.is_(None),
            )
        )
        return set(rows.scalars())

    def park(self, claimed: Claimed, *, error_class: ErrorClass, error: str, fields: Sequence[str] = ()) -> bool:
        """Leave it to a person; a new wish tries it again."""
        return self._put(
            claimed,
            attempts=outbox.c.attempts + 1,
            parked_at=self._now,
            error_class=error_class.value,
            error=error,
            error_fields=list(fields),
        )

    def retry_failed(self, target: Target) -> int:
        """The target is back: what failed for its sake is due at once."""
        result = self._connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.target == target.value,
                pending(),
                outbox.c.parked_at.is_(None),
                outbox.c.error_class.in_([ErrorClass.TRANSIENT.value, ErrorClass.MISCONFIGURED.value]),
                # That limit is ours: it does not end because the target answers again.
                outbox.c.error.is_distinct_from(Code.DESTRUCTIVE_LIMIT.value),
                outbox.c.next_at > self._now,
            )
            .values(next_at=self._now)
        )
        return result.rowcount

    def _put(self, claimed: Claimed, **values: Any) -> bool:
        """Let it go. A wish that came meanwhile has its own turn: what befell the older one is not its."""
        # Seen by the row itself in the update: a look before it could be older than the wish.
        overtaken = outbox.c.generation > claimed.generation
        kept = {name: sa.case((overtaken, outbox.c[name]), else_=value) for name, value in values.items()}
        result = self._connection.execute(
            sa.update(outbox)
            .where(is_row(claimed.key), outbox.c.lease == claimed.lease)
            .values(lease=None, leased_until=None, **kept)
        )
        return bool(result.rowcount)


def _held(claimed: Sequence[Claimed]) -> sa.ColumnElement[bool]:
    # By the lease too: a row that somebody else took when ours was over is his to write.
    rows = [(row.key.target.value, row.key.kind.value, row.key.object_id, row.lease) for row in claimed]
    return sa.tuple_(outbox.c.target, outbox.c.kind, outbox.c.object_id, outbox.c.lease).in_(rows)
