"""The tables of console sessions and drafts; what was typed is encrypted."""

from __future__ import annotations

import json
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_columns, to_columns
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.sessions.model import ConsoleSession, Draft

console_sessions = sa.Table(
    "console_sessions",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("keycloak_sid", sa.Text, nullable=False, index=True),
    sa.Column("id_token_sealed", sa.Text, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("network", sa.Text),
    sa.Column("page", sa.Text, nullable=False),
    sa.Column("fields_sealed", sa.Text, nullable=False),
    sa.Column("kept_at", Moment, nullable=False, index=True),
    sa.Index("ix_drafts_owner", "owner", "kept_at"),
    sa.Index("ix_drafts_network", "network", "kept_at", postgresql_where=sa.text("network IS NOT NULL")),
)


class SqlSessions:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, session: ConsoleSession) -> None:
        self._connection.execute(sa.insert(console_sessions).values(to_columns(session)))

    def find(self, key: str) -> ConsoleSession | None:
        query = sa.select(console_sessions).where(console_sessions.c.key == key)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else from_columns(ConsoleSession, row._asdict())

    def touch(self, key: str, now: datetime) -> None:
        self._connection.execute(sa.update(console_sessions).where(console_sessions.c.key == key).values(seen_at=now))

    def end(self, key: str) -> None:
        self._connection.execute(sa.delete(console_sessions).where(console_sessions.c.key == key))

    def end_by_sid(self, keycloak_sid: str) -> int:
        result = self._connection.execute(
            sa.delete(console_sessions).where(console_sessions.c.keycloak_sid == keycloak_sid)
        )
        return result.rowcount

    def forget_before(self, moment: datetime) -> None:
        self._connection.execute(sa.delete(console_sessions).where(console_sessions.c.started_at < moment))


class SqlDrafts:
    def __init__(self, connection: sa.Connection, keys: Keys) -> None:
        self._connection = connection
        self._keys = keys

    def keep(self, draft: Draft) -> None:
        self._connection.execute(
            sa.insert(drafts).values(
                id=draft.id,
                owner=draft.owner,
                network=draft.network,
                page=draft.page,
                fields_sealed=self._keys.seal("draft", json.dumps(dict(draft.fields), ensure_ascii=False)),
                kept_at=draft.kept_at,
            )
        )

    def take(self, draft_id: UUID, owner: str) -> Draft | None:
        row = self._connection.execute(
            sa.select(drafts).where(drafts.c.id == draft_id, drafts.c.owner == owner)
        ).one_or_none()
        if row is None:
            return None
        fields = json.loads(self._keys.open("draft", row.fields_sealed))
        return Draft(row.id, row.owner, row.page, fields, row.kept_at, row.network)

    def make_room(self, owner: str, most_of_owner: int, network: str | None, most_of_network: int) -> None:
        self._keep_newest(drafts.c.owner == owner, most_of_owner)
        if network is not None:
            self._keep_newest(drafts.c.network == network, most_of_network)

    def _keep_newest(self, which: sa.ColumnElement[bool], most: int) -> None:
        surplus = sa.select(drafts.c.id).where(which).order_by(drafts.c.kept_at.desc(), drafts.c.id).offset(most)
        self._connection.execute(sa.delete(drafts).where(drafts.c.id.in_(surplus)))

    def hand_over(self, owner: str, to: str) -> None:
        self._connection.execute(sa.update(drafts).where(drafts.c.owner == owner).values(owner=to))

    def forget(self, draft_id: UUID, owner: str) -> None:
        self._connection.execute(sa.delete(drafts).where(drafts.c.id == draft_id, drafts.c.owner == owner))

    def forget_before(self, moment: datetime) -> None:
        self._connection.execute(sa.delete(drafts).where(drafts.c.kept_at < moment))
