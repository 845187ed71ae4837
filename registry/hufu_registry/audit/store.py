"""The audit table: written in the transaction of the act it records, never updated."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from hufu_registry.audit.model import Record, Values
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.paging import Head
from hufu_registry.kernel.store import Moment, metadata

audit_records = sa.Table(
    "audit_records",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("actor_kind", sa.Text, nullable=False),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("place", sa.Text),
    sa.Column("object_kind", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger),
    sa.Column("old", JSONB, nullable=False),
    sa.Column("new", JSONB, nullable=False),
    sa.Column("mac", sa.Text, nullable=False),
    sa.Index("ix_audit_records_object", "object_kind", "object_id", "id"),
)


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    at: datetime
    action: str
    actor_kind: str
    actor_id: object
    old: Values
    new: Values


class SqlAudit:
    """`events` are the actions that features declare."""

    def __init__(
        self, connection: sa.Connection, keys: Keys, actor: Actor, now: datetime, events: Collection[str]
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._actor = actor
        self._now = now
        self._events = events

    def record(
        self,
        action: str,
        *,
        object_kind: str,
        object_id: str,
        agency_id: AgencyId | None = None,
        old: Values | None = None,
        new: Values | None = None,
    ) -> None:
        self.keep([Record(self._now, action, self._actor, object_kind, object_id, agency_id, old or {}, new or {})])

    def places(self, object_kind: str, object_id: str) -> frozenset[AgencyId]:
        places = self._connection.execute(
            sa.select(audit_records.c.agency_id)
            .distinct()
            .where(
                audit_records.c.object_kind == object_kind,
                audit_records.c.object_id == object_id,
                audit_records.c.agency_id.is_not(None),
            )
        )
        return frozenset(AgencyId(agency_id) for agency_id in places.scalars())

    def keep(self, records: Sequence[Record]) -> None:
        for record in records:
            if record.action not in self._events:
                message = f"no feature declares the event {record.action}"
                raise LookupError(message)
        if records:
            self._connection.execute(sa.insert(audit_records), [self._values(record) for record in records])

    def _values(self, record: Record) -> dict[str, object]:
        return {
            "at": record.at,
            "action": record.action,
            "actor_kind": record.actor.kind.value,
            "actor_id": record.actor.account_id,
            "place": record.actor.place,
            "object_kind": record.object_kind,
            "object_id": record.object_id,
            "agency_id": record.agency_id,
            "old": dict(record.old),
            "new": dict(record.new),
            "mac": self._keys.audit_mac(record.sealed_bytes()),
        }


def timeline(
    connection: sa.Connection, object_kind: str, object_id: str, *, but: Collection[str] = (), most: int = 200
) -> Head[TimelineEntry]:
    """What happened to one object last, but for these events, oldest first."""
    newest = (
        sa.select(audit_records)
        .where(
            audit_records.c.object_kind == object_kind,
            audit_records.c.object_id == object_id,
            audit_records.c.action.not_in(but),
        )
        .order_by(audit_records.c.id.desc())
        .limit(most + 1)
    )
    entries = [
        TimelineEntry(row.at, row.action, row.actor_kind, row.actor_id, row.old, row.new)
        for row in connection.execute(newest)
    ]
    shown = Head.of(entries, most)
    return Head(shown.rows[::-1], shown.more)
