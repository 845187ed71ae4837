"""The notices' table; recipient and values are encrypted and do not outlive the sending."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.kernel.feature import NoticeType
from hufu_registry.kernel.ids import Ids
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Kind, Outbox, OutboxKey, Target
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.notices.model import Notice

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("sealed", sa.Text),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    # How often sending began: more than once means that the mail may have come twice.
    sa.Column("times", sa.Integer, nullable=False, server_default="0"),
)

SEALED_AS = "notice"


class SqlNotices:
    def __init__(self, connection: sa.Connection, keys: Keys, ids: Ids, outbox: Outbox, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._ids = ids
        self._outbox = outbox
        self._now = now

    def send(self, notice: NoticeType, recipient: str, language: str, values: Mapping[str, str]) -> UUID:
        if values.keys() != notice.sample.keys():
            raise ValueError(f"{notice.name} takes {sorted(notice.sample)}")
        notice_id = self._ids.new()
        content = json.dumps({"recipient": recipient, "values": dict(values)}, ensure_ascii=False)
        self._connection.execute(
            sa.insert(notices).values(
                id=notice_id,
                template=notice.name,
                language=language,
                sealed=self._keys.seal(SEALED_AS, content),
                created_at=self._now,
            )
        )
        self._outbox.enqueue(OutboxKey(Target.MAIL, Kind.NOTICE, str(notice_id)))
        return notice_id

    def get(self, notice_id: UUID) -> Notice | None:
        row = self._connection.execute(sa.select(notices).where(notices.c.id == notice_id)).one_or_none()
        if row is None or row.sealed is None:
            return None
        content = json.loads(self._keys.open(SEALED_AS, row.sealed))
        return Notice(notice_id, row.template, row.language, content["recipient"], content["values"])

    def begin(self, notice_id: UUID) -> None:
        self._connection.execute(sa.update(notices).where(notices.c.id == notice_id).values(times=notices.c.times + 1))

    def mark_sent(self, notice_id: UUID) -> None:
        self._connection.execute(
            sa.update(notices).where(notices.c.id == notice_id).values(sent_at=self._now, sealed=None)
        )
