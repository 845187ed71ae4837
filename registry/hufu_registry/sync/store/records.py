"""What the worker remembers about the targets: identities, what it last wrote, drift, health, sign-ins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.accounts.store import accounts
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Binding, ErrorClass, SignIn
from hufu_registry.sync.store.tables import (
    account_id_of,
    bindings,
    drifts,
    feed_cursors,
    sign_in_records,
    target_health,
    written_fields,
)


def _of(table: sa.Table, key: OutboxKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.target == key.target.value, table.c.kind == key.kind.value, table.c.object_id == key.object_id
    )


def _as_values(key: OutboxKey) -> dict[str, str]:
    return {"target": key.target.value, "kind": key.kind.value, "object_id": key.object_id}


class SqlRecords:
    """One transaction's view of what we know about the targets."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def binding(self, key: OutboxKey) -> Binding | None:
        row = self._connection.execute(sa.select(bindings).where(_of(bindings, key))).one_or_none()
        return None if row is None else Binding(row.remote_id, row.place)

    def bind(self, key: OutboxKey, binding: Binding) -> None:
        """Remember where our object is. An object made again gets its new id and keeps its first moment."""
        row = insert(bindings).values(
            **_as_values(key), remote_id=binding.remote_id, place=binding.place, bound_at=self._now
        )
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[bindings.c.target, bindings.c.kind, bindings.c.object_id],
                set_={"remote_id": row.excluded.remote_id, "place": row.excluded.place},
                where=sa.or_(bindings.c.remote_id != row.excluded.remote_id, bindings.c.place != row.excluded.place),
            )
        )

    def unbind(self, key: OutboxKey) -> None:
        for table in (bindings, written_fields, drifts):
            self._connection.execute(sa.delete(table).where(_of(table, key)))

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

    def written(self, key: OutboxKey) -> Mapping[str, str]:
        """Field → hash of what we last wrote there."""
        rows = self._connection.execute(
            sa.select(written_fields.c.field, written_fields.c.hash).where(_of(written_fields, key))
        )
        return {row.field: row.hash for row in rows}

    def remember_written(self, key: OutboxKey, hashes: Mapping[str, str]) -> None:
        if not hashes:
            return
        rows = insert(written_fields).values(
            [
                {**_as_values(key), "field": field, "hash": digest, "written_at": self._now}
                for field, digest in sorted(hashes.items())
            ]
        )
        self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=[written_fields.c[name] for name in ("target", "kind", "object_id", "field")],
                set_={"hash": rows.excluded.hash, "written_at": rows.excluded.written_at},
            )
        )

    def remember_drift(self, key: OutboxKey, fields: Collection[str]) -> None:
        """These fields differ now, and no others."""
        others = sa.delete(drifts).where(_of(drifts, key), drifts.c.field.not_in(list(fields)))
        self._connection.execute(others)
        for field in sorted(fields):
            row = insert(drifts).values(**_as_values(key), field=field, since=self._now)
            self._connection.execute(row.on_conflict_do_nothing())

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

    def accounts_below(self, agency_path: str) -> bool:
        """Whether somebody works at the agency or below it."""
        below = sa.or_(accounts.c.agency_path == agency_path, accounts.c.agency_path.startswith(f"{agency_path}."))
        return (
            self._connection.execute(
                sa.select(sa.literal(1)).where(below, accounts.c.state != "deleted").limit(1)
            ).scalar_one_or_none()
            is not None
        )

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
