"""The tables of console sessions, drafts and saved filters; what was typed is encrypted."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_columns, to_columns
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.sessions.model import ConsoleSession, Draft, SavedFilter

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

saved_filters = sa.Table(
    "saved_filters",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("list_name", sa.Text, nullable=False),
    sa.Column("is_first", sa.Boolean, nullable=False),
    # Its name, too: people are searched for by theirs.
    sa.Column("said_sealed", sa.Text, nullable=False),
    sa.Column("saved_at", Moment, nullable=False),
    sa.Index("ix_saved_filters_account", "account_id", "list_name", "saved_at"),
    sa.Index("uq_saved_filters_first", "account_id", "list_name", unique=True, postgresql_where=sa.text("is_first")),
)
SAID = ("name", "query", "words")


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


class SqlSavedFilters:
    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def of(self, account_id: AccountId, list_name: str) -> list[SavedFilter]:
        its = saved_filters.c.list_name == list_name
        return [self._to_filter(row) for row in self._connection.execute(self._own(account_id).where(its))]

    def find(self, filter_id: UUID, account_id: AccountId) -> SavedFilter | None:
        row = self._connection.execute(self._own(account_id).where(saved_filters.c.id == filter_id)).one_or_none()
        return None if row is None else self._to_filter(row)

    def add(self, saved: SavedFilter) -> None:
        said = json.dumps({name: getattr(saved, name) for name in SAID}, ensure_ascii=False)
        self._connection.execute(
            sa.insert(saved_filters).values(
                id=saved.id,
                account_id=saved.account_id,
                list_name=saved.list_name,
                is_first=saved.is_first,
                said_sealed=self._keys.seal("saved_filter", said),
                saved_at=self._now,
            )
        )

    def put_first(self, saved: SavedFilter, *, first: bool) -> None:
        same_list = sa.and_(
            saved_filters.c.account_id == saved.account_id, saved_filters.c.list_name == saved.list_name
        )
        self._connection.execute(sa.update(saved_filters).where(same_list).values(is_first=False))
        if first:
            self._connection.execute(
                sa.update(saved_filters).where(saved_filters.c.id == saved.id).values(is_first=True)
            )

    def forget(self, filter_id: UUID) -> None:
        self._connection.execute(sa.delete(saved_filters).where(saved_filters.c.id == filter_id))

    def forget_of_deleted(self) -> None:
        gone = sa.select(accounts.c.id).where(accounts.c.state == AccountState.DELETED.value)
        self._connection.execute(sa.delete(saved_filters).where(saved_filters.c.account_id.in_(gone)))

    def _own(self, account_id: AccountId) -> sa.Select[Any]:
        own = saved_filters.c.account_id == account_id
        return sa.select(saved_filters).where(own).order_by(saved_filters.c.saved_at, saved_filters.c.id)

    def _to_filter(self, row: sa.Row[Any]) -> SavedFilter:
        said = json.loads(self._keys.open("saved_filter", row.said_sealed))
        return SavedFilter(row.id, AccountId(row.account_id), row.list_name, **said, is_first=row.is_first)
