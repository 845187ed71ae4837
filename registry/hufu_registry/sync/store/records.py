"""What the worker remembers about the targets: identities, what it last wrote, drift, health, sign-ins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on, insert

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import among, inserted, outbox
from hufu_registry.sync.model import Binding, ErrorClass, SignIn
from hufu_registry.sync.model.naming import Sibling
from hufu_registry.sync.store.tables import (
    account_id_of,
    agency_id_of,
    applied_steps,
    bindings,
    drifts,
    feed_cursors,
    queue_samples,
    sign_in_records,
    target_health,
    written_fields,
)

OBJECT = ("target", "kind", "object_id")
# What both values of a drift are sealed about.
DRIFT = "drift"

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


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step for the history; `destructive` ones are counted."""

    key: OutboxKey
    step: str
    fields: tuple[str, ...]
    destructive: bool


def _of_any(table: sa.Table, keys: Collection[OutboxKey]) -> sa.ColumnElement[bool]:
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


def _destructive(target: Target, since: datetime) -> sa.ColumnElement[bool]:
    return sa.and_(applied_steps.c.target == target.value, applied_steps.c.destructive, applied_steps.c.at > since)


def _key(row: Any) -> OutboxKey:
    return OutboxKey(Target(row.target), Kind(row.kind), row.object_id)


def _as_values(key: OutboxKey) -> dict[str, str]:
    return {"target": key.target.value, "kind": key.kind.value, "object_id": key.object_id}


class SqlRecords:
    """One transaction's view of what we know about the targets."""

    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def binding(self, key: OutboxKey) -> Binding | None:
        return self.bindings([key]).get(key)

    def bindings(self, keys: Collection[OutboxKey]) -> dict[OutboxKey, Binding]:
        """Where those of them are that stand in their targets."""
        rows = self._connection.execute(sa.select(bindings).where(_of_any(bindings, keys)))
        return {_key(row): Binding(row.remote_id, row.address, row.parent_id) for row in rows}

    def bind(self, found: Mapping[OutboxKey, Binding]) -> None:
        """Remember where our objects are. One made again gets its new id and keeps its first moment."""
        if not found:
            return
        rows = inserted(
            bindings, [{**_as_values(key), **asdict(found[key]), "bound_at": self._now} for key in sorted(found)]
        )
        new = {name: rows.excluded[name] for name in ("remote_id", "address", "parent_id")}
        self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=OBJECT,
                set_=new,
                where=sa.or_(*(bindings.c[name].is_distinct_from(value) for name, value in new.items())),
            )
        )

    def unbind(self, keys: Collection[OutboxKey]) -> None:
        """They do not stand there any more, and we know nothing of them."""
        if keys:
            for table in (drifts, written_fields, bindings):
                self._connection.execute(sa.delete(table).where(_of_any(table, keys)))

    def standing_in(self, target: Target, remote_ids: Collection[str]) -> dict[str, OutboxKey]:
        """For each place in which something of ours stands, one of these objects."""
        if not remote_ids:
            return {}
        rows = self._connection.execute(
            sa.select(bindings)
            .ext(distinct_on(bindings.c.parent_id))
            .where(bindings.c.target == target.value, bindings.c.parent_id == among(remote_ids, sa.Text))
            .order_by(bindings.c.parent_id, bindings.c.kind.desc(), bindings.c.object_id)
        )
        return {row.parent_id: _key(row) for row in rows}

    def accounts_bound_to(self, target: Target, remote_ids: Collection[str]) -> Mapping[str, AccountId]:
        rows = self._connection.execute(
            sa.select(bindings.c.remote_id, accounts.c.id)
            .join(accounts, accounts.c.id == account_id_of(bindings))
            .where(
                bindings.c.target == target.value,
                bindings.c.kind == Kind.ACCOUNT.value,
                bindings.c.remote_id.in_(list(remote_ids)),
            )
        )
        return {row.remote_id: AccountId(row.id) for row in rows}

    def agencies_bound_to(self, target: Target, remote_ids: Collection[str]) -> dict[str, tuple[AgencyId, str]]:
        """Which agencies these are, with their paths."""
        rows = self._connection.execute(
            sa.select(bindings.c.remote_id, agencies.c.id, agencies.c.path)
            .join(agencies, agencies.c.id == agency_id_of(bindings))
            .where(bindings.c.target == target.value, bindings.c.remote_id == among(remote_ids, sa.Text))
        )
        return {row.remote_id: (AgencyId(row.id), row.path) for row in rows}

    def written(self, keys: Collection[OutboxKey]) -> dict[OutboxKey, dict[str, str]]:
        """Field → hash of what we last wrote there, for each object we ever wrote."""
        found: dict[OutboxKey, dict[str, str]] = {}
        for row in self._connection.execute(sa.select(written_fields).where(_of_any(written_fields, keys))):
            found.setdefault(_key(row), {})[row.field] = row.hash
        return found

    def remember_written(self, hashes: Mapping[OutboxKey, Mapping[str, str]]) -> None:
        values = [
            {**_as_values(key), "field": field, "hash": digest, "written_at": self._now}
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

    def remember_drift(self, differing: Mapping[OutboxKey, Mapping[str, tuple[str, str]]]) -> None:
        """On each of these objects the fields differ now, and no others: what is there, and what is wanted."""
        if not differing:
            return
        kept = [(key.object_id, field) for key, fields in differing.items() for field in fields]
        others = sa.delete(drifts).where(_of_any(drifts, differing))
        if kept:
            others = others.where(sa.tuple_(drifts.c.object_id, drifts.c.field).not_in(kept))
        self._connection.execute(others)
        values = [
            {
                **_as_values(key),
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

    def record_steps(self, steps: Sequence[StepDone]) -> Sequence[int]:
        """What was done, for the history, where what somebody loses by is counted; the numbers it got there."""
        if not steps:
            return []
        values = [
            {
                **_as_values(step.key),
                "step": step.step,
                "fields": " ".join(step.fields),
                "destructive": step.destructive,
                "at": self._now,
            }
            for step in steps
        ]
        rows = self._connection.execute(inserted(applied_steps, values).returning(applied_steps.c.number))
        return list(rows.scalars())

    def forget_steps(self, numbers: Collection[int]) -> None:
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

    def sample_queues(self) -> None:
        """Note how each queue stands in this minute, and what was finished in the one before; once, whoever asks."""
        minute = self._now.replace(second=0, microsecond=0)
        before = minute - timedelta(minutes=1)
        pending = outbox.c.generation > outbox.c.applied_generation
        fine, parked = outbox.c.error_class.is_(None), outbox.c.parked_at.is_not(None)
        done = sa.and_(outbox.c.applied_at >= before, outbox.c.applied_at < minute)
        conditions = {
            "waiting": sa.and_(pending, fine),
            "retrying": sa.and_(pending, sa.not_(fine), sa.not_(parked)),
            "parked": sa.and_(pending, parked),
            "done": done,
        }
        counts = [sa.func.count().filter(condition).label(name) for name, condition in conditions.items()]
        rows = self._connection.execute(
            sa.select(outbox.c.target, *counts).where(sa.or_(pending, done)).group_by(outbox.c.target)
        )
        found = {row.target: row._asdict() for row in rows}
        nothing = dict.fromkeys(conditions, 0)
        samples = [{**nothing, **found.get(target, {}), "target": target.value, "at": minute} for target in Target]
        self._connection.execute(insert(queue_samples).on_conflict_do_nothing(), samples)

    def cursor(self, feed: str) -> datetime | None:
        return self._connection.execute(
            sa.select(feed_cursors.c.at).where(feed_cursors.c.feed == feed)
        ).scalar_one_or_none()

    def move_cursor(self, feed: str, at: datetime) -> None:
        row = insert(feed_cursors).values(feed=feed, at=at)
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[feed_cursors.c.feed],
                set_={"at": row.excluded.at},
                where=feed_cursors.c.at < row.excluded.at,
            )
        )

    def keep_sign_ins(self, records: Sequence[SignIn]) -> frozenset[str]:
        """Store those that are new; their event ids."""
        if not records:
            return frozenset()
        rows = insert(sign_in_records).values(
            [
                {
                    "event_id": record.event_id,
                    "account_id": record.account_id,
                    "type": record.type,
                    "client": record.client,
                    "address": record.address,
                    "at": record.at,
                    "error": record.error,
                }
                for record in records
            ]
        )
        new = self._connection.execute(rows.on_conflict_do_nothing().returning(sign_in_records.c.event_id))
        return frozenset(new.scalars())

    def not_activated_among(self, account_ids: Collection[AccountId]) -> Sequence[AccountId]:
        rows = self._connection.execute(
            sa.select(accounts.c.id).where(accounts.c.id.in_(list(account_ids)), accounts.c.state == "not_activated")
        )
        return [AccountId(row.id) for row in rows]

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
        under = agencies.c.parent_id == among([one for one in parents if one is not None], sa.BigInteger)
        if None in parents:
            under = sa.or_(under, agencies.c.parent_id.is_(None))
        found: dict[int | None, list[Sibling]] = {}
        query = sa.select(agencies.c.id, agencies.c.parent_id, agencies.c.name, agencies.c.oid).where(under)
        for row in self._connection.execute(query):
            distinction = row.oid.rpartition(".")[2] if row.oid else str(row.id)
            found.setdefault(row.parent_id, []).append(Sibling(row.id, row.name, distinction))
        return list(found.values())

    def accounts_at(self, agency_id: AgencyId) -> Sequence[AccountId]:
        """The accounts of the agency itself that are not deleted."""
        rows = self._connection.execute(
            sa.select(accounts.c.id).where(accounts.c.agency_id == agency_id, accounts.c.state != "deleted")
        )
        return [AccountId(row.id) for row in rows]

    def not_activated_and_bound(self, target: Target, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """Accounts that could have been activated, by id after `after`; for the nightly check."""
        query = (
            sa.select(accounts.c.id)
            .join(bindings, account_id_of(bindings) == accounts.c.id)
            .where(
                accounts.c.state == "not_activated",
                bindings.c.target == target.value,
                bindings.c.kind == Kind.ACCOUNT.value,
            )
            .order_by(accounts.c.id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(accounts.c.id > after)
        return [AccountId(row.id) for row in self._connection.execute(query)]
