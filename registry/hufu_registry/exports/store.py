"""The table of exports. The file is encrypted, and so is what was searched for."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from hufu_registry.exports.model import Export, ExportState
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.keys import Keys, Unreadable
from hufu_registry.kernel.mapping import from_columns, to_columns
from hufu_registry.kernel.store import Moment, metadata

WORDS, CONTENT = "export.words", "export.content"
UNFINISHED = (ExportState.WAITING.value, ExportState.RUNNING.value)

exports = sa.Table(
    "exports",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("requested_by", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("list_name", sa.Text, nullable=False),
    sa.Column("recorded_as", sa.Text, nullable=False),
    sa.Column("parameters", JSONB, nullable=False),
    sa.Column("words_sealed", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("begun_at", Moment),
    sa.Column("finished_at", Moment),
    sa.Column("file_name", sa.Text, nullable=False, server_default=""),
    sa.Column("rows", sa.Integer, nullable=False, server_default="0"),
    sa.Column("content_sealed", sa.LargeBinary),
    sa.Column("scope", sa.ARRAY(sa.BigInteger)),
    sa.CheckConstraint("state IN ('waiting','running','ready','failed')", name="state"),
    sa.CheckConstraint("state <> 'ready' OR content_sealed IS NOT NULL", name="content_when_ready"),
    sa.Index("ix_exports_requested_by", "requested_by"),
    sa.Index("ix_exports_unfinished", "created_at", postgresql_where=sa.text("state IN ('waiting','running')")),
    sa.Index("ix_exports_expires_at", "expires_at"),
)
# Neither the file nor what was searched for: an export goes its way even where they cannot be opened.
TOLD = [column for column in exports.c if column.name not in ("content_sealed", "words_sealed")]


class SqlExports:
    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def add(self, export: Export, words: str) -> None:
        """`words` are found by nobody: they have no keyed hash, as a sealed field has."""
        values = to_columns(export) | {"words_sealed": self._keys.seal(WORDS, words)}
        self._connection.execute(sa.insert(exports).values(values))

    def get(self, export_id: UUID, *, lock: bool = False) -> Export:
        query = sa.select(*TOLD).where(exports.c.id == export_id, exports.c.expires_at > self._now)
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise NotFound("export")
        return from_columns(Export, row._asdict())

    def same_unfinished(self, export: Export, words: str) -> Export | None:
        query = sa.select(*TOLD, exports.c.words_sealed).where(
            exports.c.requested_by == export.requested_by,
            exports.c.list_name == export.list_name,
            exports.c.recorded_as == export.recorded_as,
            exports.c.parameters == sa.cast(dict(export.parameters), JSONB),
            exports.c.state.in_(UNFINISHED),
            exports.c.expires_at > self._now,
        )
        for row in self._connection.execute(query).all():
            with suppress(Unreadable):
                if self._keys.open(WORDS, row.words_sealed) == words:
                    return from_columns(Export, row._asdict())
        return None

    def save(self, export: Export) -> None:
        self._connection.execute(sa.update(exports).where(exports.c.id == export.id).values(to_columns(export)))

    def finish(self, export: Export, content: bytes) -> None:
        sealed = self._keys.seal_bytes(CONTENT, content)
        values = to_columns(export) | {"content_sealed": sealed}
        self._connection.execute(sa.update(exports).where(exports.c.id == export.id).values(values))

    def content_of(self, export_id: UUID) -> bytes:
        query = sa.select(exports.c.content_sealed).where(exports.c.id == export_id)
        return self._keys.open_bytes(CONTENT, self._connection.execute(query).scalar_one())

    def words_of(self, export_id: UUID) -> str:
        query = sa.select(exports.c.words_sealed).where(exports.c.id == export_id)
        return self._keys.open(WORDS, self._connection.execute(query).scalar_one())

    def claim(self, export_id: UUID) -> bool:
        number = sa.func.hashtextextended(f"export:{export_id}", 0)
        return bool(self._connection.execute(sa.select(sa.func.pg_try_advisory_xact_lock(number))).scalar_one())

    def unclaimed(self) -> Sequence[UUID]:
        query = (
            sa.select(exports.c.id, exports.c.state)
            .where(exports.c.state.in_(UNFINISHED), exports.c.expires_at > self._now)
            .order_by(exports.c.state.desc(), exports.c.created_at)
            .limit(100)
        )
        waiting = ExportState.WAITING.value
        return [row.id for row in self._connection.execute(query).all() if row.state == waiting or self.claim(row.id)]

    def note_rows(self, export_id: UUID, rows: int) -> None:
        running = exports.c.state == ExportState.RUNNING.value
        self._connection.execute(sa.update(exports).where(exports.c.id == export_id, running).values(rows=rows))

    def begun_before(self, moment: datetime) -> Sequence[UUID]:
        running = exports.c.state == ExportState.RUNNING.value
        return list(
            self._connection.execute(sa.select(exports.c.id).where(running, exports.c.begun_at < moment)).scalars()
        )

    def forget_expired(self, now: datetime) -> None:
        self._connection.execute(sa.delete(exports).where(exports.c.expires_at <= now))
