"""Runs: what was asked for, what is being done, what came of it; and the queue over the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_columns, from_rows, to_columns
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import counted, ordered, outbox, page_of
from hufu_registry.sync.model import AppliedStep, QueueSample, Run, RunKind
from hufu_registry.sync.store.tables import applied_steps, queue_samples, sync_run_rows, sync_runs

# Whoever works on a run says so at least this often.
BUSY = timedelta(minutes=10)
# What a plan is sealed about.
BODY = "sync_run"

_ROW = ("target", "kind", "object_id")


class SqlRuns:
    """One transaction's view of the runs."""

    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now
        self._following: UUID | None = None

    def request(self, run: Run) -> None:
        """Store it for whoever takes it."""
        self._insert(run)

    def start(self, run: Run) -> None:
        """Store it as begun. A bulk run is of all that this transaction wants, and done once that is."""
        if run.kind is RunKind.BULK:
            self._insert(run)
            self._following = run.id
        else:
            self._insert(run, busy_until=self._now + BUSY)

    def open_requests(self, kind: RunKind) -> Sequence[Run]:
        """Those nobody is at work on, oldest first."""
        return self._some(kind, self._is_open())

    def take(self, run_id: UUID) -> bool:
        """Begin with a request; false when somebody else was first."""
        return bool(
            self._connection.execute(
                sa.update(sync_runs)
                .where(sync_runs.c.id == run_id, self._is_open())
                .values(busy_until=self._now + BUSY)
            ).rowcount
        )

    def progress(
        self,
        run_id: UUID,
        *,
        objects: int | None = None,
        done: int | None = None,
        differing: int | None = None,
        failed: int | None = None,
        note: str | None = None,
    ) -> None:
        """How far it is: totals, not steps. What is not named stays."""
        given = {"objects": objects, "done": done, "differing": differing, "failed": failed, "note": note}
        self._connection.execute(
            sa.update(sync_runs)
            .where(sync_runs.c.id == run_id)
            .values(
                {name: value for name, value in given.items() if value is not None} | {"busy_until": self._now + BUSY}
            )
        )

    def put_back(self, run_id: UUID, pause: timedelta) -> None:
        """Whoever looks after the pause may begin with it again."""
        self._connection.execute(
            sa.update(sync_runs).where(sync_runs.c.id == run_id).values(busy_until=self._now + pause)
        )

    def finish(self, run_id: UUID, *, code: str = "") -> None:
        """It is over; `code` says why it came to nothing."""
        self._connection.execute(
            sa.update(sync_runs)
            .where(sync_runs.c.id == run_id)
            .values(finished_at=self._now, busy_until=None, code=code)
        )

    def get(self, run_id: UUID, *, lock: bool = False) -> Run:
        """Raises NotFound("run")."""
        query = sa.select(sync_runs).where(sync_runs.c.id == run_id)
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise NotFound("run")
        return from_columns(Run, row._asdict())

    def lock_requests(self) -> None:
        """Until the transaction ends, nobody else asks for a comparison."""
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended("comparisons", 0))))

    def unfinished(self, kind: RunKind) -> Sequence[Run]:
        """Those asked for or under way, oldest first."""
        return self._some(kind, sync_runs.c.finished_at.is_(None))

    def execution_of(self, plan_id: UUID) -> Run | None:
        row = self._connection.execute(sa.select(sync_runs).where(sync_runs.c.plan_id == plan_id)).one_or_none()
        return None if row is None else from_columns(Run, row._asdict())

    def body(self, run_id: UUID) -> str:
        """A plan's text; empty while it is not made."""
        sealed = self._connection.execute(
            sa.select(sync_runs.c.body_sealed).where(sync_runs.c.id == run_id)
        ).scalar_one_or_none()
        return self._keys.open(BODY, sealed) if sealed else ""

    def set_body(self, run_id: UUID, text: str) -> None:
        self._connection.execute(
            sa.update(sync_runs).where(sync_runs.c.id == run_id).values(body_sealed=self._keys.seal(BODY, text))
        )

    def follow(self, written: Mapping[OutboxKey, int]) -> None:
        """What the transaction wanted is the bulk run's, if it started one; the unit of work calls it at its end."""
        if self._following is None:
            return
        rows = [
            {"run_id": self._following, "target": key.target.value, "kind": key.kind.value, "object_id": key.object_id}
            | {"generation": generation}
            for key, generation in written.items()
        ]
        finished = {} if rows else {"finished_at": self._now}
        self._connection.execute(
            sa.update(sync_runs).where(sync_runs.c.id == self._following).values(objects=len(rows), **finished)
        )
        if rows:
            self._connection.execute(sa.insert(sync_run_rows), rows)

    def settle(self) -> int:
        """Close the bulk runs whose rows are all done; how many these are. Their rows are not kept."""
        finished = self._connection.execute(
            sa.update(sync_runs)
            .where(
                sync_runs.c.kind == RunKind.BULK.value, sync_runs.c.finished_at.is_(None), sa.not_(_has_unfinished())
            )
            .values(finished_at=sa.func.coalesce(_last_done(), self._now), done=sync_runs.c.objects, failed=0)
            .returning(sync_runs.c.id)
        )
        ids = list(finished.scalars())
        self._connection.execute(sa.delete(sync_run_rows).where(sync_run_rows.c.run_id.in_(ids)))
        return len(ids)

    def _is_open(self) -> sa.ColumnElement[bool]:
        return sa.and_(
            sync_runs.c.finished_at.is_(None),
            sync_runs.c.kind != RunKind.BULK.value,
            sa.or_(sync_runs.c.busy_until.is_(None), sync_runs.c.busy_until <= self._now),
        )

    def _some(self, kind: RunKind, condition: sa.ColumnElement[bool]) -> Sequence[Run]:
        rows = self._connection.execute(
            sa.select(sync_runs).where(sync_runs.c.kind == kind.value, condition).order_by(sync_runs.c.started_at)
        )
        return from_rows(Run, rows)

    def _insert(self, run: Run, **more: Any) -> None:
        self._connection.execute(sa.insert(sync_runs).values(to_columns(run) | more))


def _rows_of_run() -> sa.FromClause:
    same = [sync_run_rows.c[name] == outbox.c[name] for name in _ROW]
    return sync_run_rows.join(outbox, sa.and_(*same))


def _has_unfinished() -> sa.ColumnElement[bool]:
    return sa.exists(
        sa.select(sa.literal(1))
        .select_from(_rows_of_run())
        .where(sync_run_rows.c.run_id == sync_runs.c.id, outbox.c.applied_generation < sync_run_rows.c.generation)
        .correlate(sync_runs)
    )


def _last_done() -> sa.ScalarSelect[datetime]:
    return (
        sa.select(sa.func.max(outbox.c.applied_at))
        .select_from(_rows_of_run())
        .where(sync_run_rows.c.run_id == sync_runs.c.id)
        .correlate(sync_runs)
        .scalar_subquery()
    )


def _with_progress() -> sa.Select[Any]:
    """Runs; of a bulk run that is under way, `done` and `failed` are counted where the work is.

    That reads as many rows as the run has, by their keys, at each look: a run of everybody is not for watching.
    """
    of_run = (
        sa.select(
            sa.func.count().filter(outbox.c.applied_generation >= sync_run_rows.c.generation).label("done"),
            sa.func.count()
            .filter(outbox.c.applied_generation < sync_run_rows.c.generation, outbox.c.parked_at.is_not(None))
            .label("failed"),
        )
        .select_from(_rows_of_run())
        .where(sync_run_rows.c.run_id == sync_runs.c.id)
        .correlate(sync_runs)
        .lateral("of_run")
    )
    under_way = sa.and_(sync_runs.c.kind == RunKind.BULK.value, sync_runs.c.finished_at.is_(None))
    counted = {name: sa.func.coalesce(of_run.c[name], sync_runs.c[name]).label(name) for name in ("done", "failed")}
    columns = [counted.get(column.name, column) for column in sync_runs.c if column.name != "body_sealed"]
    return sa.select(*columns).select_from(sync_runs.outerjoin(of_run, under_way))


SORTED_BY = {
    **{name: sync_runs.c[name] for name in ("started_at", "kind", "cause", "objects", "done", "differing", "failed")},
    "system": sync_runs.c.target,
}
STEPS_SORTED_BY = {"at": applied_steps.c.at, "system": applied_steps.c.target, "step": applied_steps.c.step}


def runs(connection: sa.Connection, page: Page, sort: Sort | None = None) -> Paged[Run]:
    """Newest first unless sorted."""
    order = ordered(sort, SORTED_BY, (sync_runs.c.started_at.desc(), sync_runs.c.id))
    return page_of(connection, Run, _with_progress().order_by(*order), page, all_of=sa.select(sync_runs.c.id))


def run_of(connection: sa.Connection, run_id: UUID) -> Run:
    """Raises NotFound("run")."""
    row = connection.execute(_with_progress().where(sync_runs.c.id == run_id)).one_or_none()
    if row is None:
        raise NotFound("run")
    return from_columns(Run, row._asdict())


def applied_steps_of(
    connection: sa.Connection, kind: Kind, object_id: str, page: Page, *, sort: Sort | None = None
) -> Paged[AppliedStep]:
    """What the worker did to one object in all targets, newest first unless sorted."""
    its = sa.and_(applied_steps.c.kind == kind.value, applied_steps.c.object_id == object_id)
    total = counted(connection, sa.select(applied_steps.c.number).where(its))
    rows = connection.execute(
        sa.select(applied_steps)
        .where(its)
        .order_by(*ordered(sort, STEPS_SORTED_BY, (applied_steps.c.at.desc(), applied_steps.c.number.desc())))
        .limit(page.size)
        .offset(page.offset)
    )
    return Paged(
        [
            AppliedStep(
                OutboxKey(Target(row.target), Kind(row.kind), row.object_id), row.step, _words(row.fields), row.at
            )
            for row in rows
        ],
        total,
        page,
    )


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def queue_samples_of(connection: sa.Connection, target: Target, since: datetime) -> Sequence[QueueSample]:
    """Oldest first."""
    rows = connection.execute(
        sa.select(queue_samples)
        .where(queue_samples.c.target == target.value, queue_samples.c.at >= since)
        .order_by(queue_samples.c.at)
    )
    return [QueueSample(row.at, row.waiting, row.retrying, row.parked, row.done) for row in rows]
