"""What a comparison needs of the registry besides the wanted objects, each for a whole page with one query."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, Target
from hufu_registry.kernel.store import among, outbox, pending
from hufu_registry.sync.model import RunKind, SignInLock
from hufu_registry.sync.store.tables import applied_steps, bindings, queue_samples, sign_in_locks, sync_runs


@contextmanager
def alone(engine: sa.Engine, what: str) -> Iterator[bool]:
    """Whether nobody else, in any process, is at it now; nobody else can begin until the block ends."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        number = sa.func.hashtextextended(what, 0)
        mine = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(number))).scalar_one())
        try:
            yield mine
        finally:
            if mine:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(number)))


class SqlComparison:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def in_work(self, target: Target, kind: Kind, object_ids: Collection[str], since: datetime) -> frozenset[str]:
        """Those with something left to do there, or done since: what was read of them says nothing."""
        rows = self._connection.execute(
            sa.select(outbox.c.object_id).where(
                outbox.c.target == target.value,
                outbox.c.kind == kind.value,
                outbox.c.object_id == among(object_ids, sa.Text),
                sa.or_(pending(), outbox.c.applied_at >= since),
            )
        )
        return frozenset(rows.scalars())

    def bound(self, target: Target, kind: Kind, after: str, limit: int) -> Sequence[tuple[str, str, str]]:
        """(object id, remote id, where it was seen last) of what stands there, by object id from `after` on."""
        rows = self._connection.execute(
            sa.select(bindings.c.object_id, bindings.c.remote_id, bindings.c.address)
            .where(bindings.c.target == target.value, bindings.c.kind == kind.value, bindings.c.object_id > after)
            .order_by(bindings.c.object_id)
            .limit(limit)
        )
        return [(row.object_id, row.remote_id, row.address) for row in rows]

    def count_bound(self, target: Target) -> int:
        return self._connection.execute(
            sa.select(sa.func.count()).select_from(bindings).where(bindings.c.target == target.value)
        ).scalar_one()

    def locks(self, source: Target, account_ids: Collection[AccountId]) -> Mapping[AccountId, SignInLock]:
        rows = self._connection.execute(
            sa.select(sign_in_locks).where(
                sign_in_locks.c.source == source.value,
                sign_in_locks.c.account_id == among(account_ids, sa.Uuid),
            )
        )
        return {AccountId(row.account_id): SignInLock(source, row.since, row.until) for row in rows}

    def last_comparison(self, target: Target) -> datetime | None:
        """When the newest one of everybody began, or was asked for."""
        newest: datetime | None = self._connection.execute(
            sa.select(sa.func.max(sync_runs.c.started_at)).where(
                sync_runs.c.kind == RunKind.COMPARISON.value, sync_runs.c.target == target.value
            )
        ).scalar_one()
        return newest

    def due_for_deletion(self, deleted_before: datetime, limit: int) -> Sequence[AccountId]:
        """Accounts deleted before then that still stand in a target, and for which nothing is left to do there."""
        left_to_do = sa.exists(
            sa.select(sa.literal(1))
            .where(
                outbox.c.kind == bindings.c.kind,
                outbox.c.object_id == bindings.c.object_id,
                pending(),
            )
            .correlate(bindings)
        )
        rows = self._connection.execute(
            sa.select(accounts.c.id)
            .distinct()
            .join(bindings, bindings.c.object_id == sa.cast(accounts.c.id, sa.Text))
            .where(
                bindings.c.target.in_([target.value for target in STATE_TARGETS]),
                bindings.c.kind == Kind.ACCOUNT.value,
                accounts.c.state == AccountState.DELETED.value,
                accounts.c.deleted_at <= deleted_before,
                sa.not_(left_to_do),
            )
            .limit(limit)
        )
        return [AccountId(account_id) for account_id in rows.scalars()]

    def forget_old(self, *, history_before: datetime, samples_before: datetime) -> None:
        """Steps, and runs that ended, before the first moment; samples, and locks that ended, before the second.

        A plan stays as long as its execution.
        """
        execution = sync_runs.alias("execution")
        still_executed = sa.exists(
            sa.select(sa.literal(1))
            .where(
                execution.c.plan_id == sync_runs.c.id,
                sa.or_(execution.c.finished_at.is_(None), execution.c.finished_at >= history_before),
            )
            .correlate(sync_runs)
        )
        for outdated in (
            sa.delete(applied_steps).where(applied_steps.c.at < history_before),
            sa.delete(sync_runs).where(sync_runs.c.finished_at < history_before, sa.not_(still_executed)),
            sa.delete(queue_samples).where(queue_samples.c.at < samples_before),
            sa.delete(sign_in_locks).where(sign_in_locks.c.until < samples_before),
        ):
            self._connection.execute(outdated)
