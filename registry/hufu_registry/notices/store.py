"""The notices' table; recipient and values are encrypted and do not outlive the sending."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.bell.model import BellEntry
from hufu_registry.bell.store import SqlBell
from hufu_registry.kernel.feature import NoticeType
from hufu_registry.kernel.ids import AccountId, Ids
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Kind, Outbox, OutboxKey, Target
from hufu_registry.kernel.store import Moment, metadata, outbox, pending
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
    # The same for one mailbox and language, as long as the notice may be joined with others.
    sa.Column("digest_key", sa.Text),
    sa.Index("ix_notices_digest_key", "digest_key", postgresql_where=sa.text("digest_key IS NOT NULL")),
)

SEALED_AS = "notice"
DIGEST_MOST = 50


is_mail = sa.and_(outbox.c.target == Target.MAIL.value, outbox.c.kind == Kind.NOTICE.value)


def _key(notice_id: UUID) -> OutboxKey:
    return OutboxKey(Target.MAIL, Kind.NOTICE, str(notice_id))


class SqlNotices:
    def __init__(
        self, connection: sa.Connection, keys: Keys, ids: Ids, outbox: Outbox, now: datetime, bell: SqlBell
    ) -> None:
        self._connection = connection
        self._keys = keys
        self._ids = ids
        self._outbox = outbox
        self._now = now
        self._bell = bell

    def send(
        self,
        notice: NoticeType,
        recipient: str,
        language: str,
        values: Mapping[str, str],
        *,
        account_id: AccountId | None = None,
    ) -> UUID:
        if values.keys() != notice.sample.keys():
            raise ValueError(f"{notice.name} takes {sorted(notice.sample)}")
        notice_id = self._ids.new()
        content = json.dumps({"recipient": recipient, "values": dict(values)}, ensure_ascii=False)
        wait, joins = notice.digest_wait, f"{language} {recipient}"
        self._connection.execute(
            sa.insert(notices).values(
                id=notice_id,
                template=notice.name,
                language=language,
                sealed=self._keys.seal(SEALED_AS, content),
                created_at=self._now,
                digest_key=None if wait is None else self._keys.index("digest", joins),
            )
        )
        self._outbox.enqueue(_key(notice_id), not_before=None if wait is None else self._now + wait)
        if account_id is not None and (bell := notice.bell) is not None:
            object_id, mark = (values[name] if name else "" for name in (bell.object_id, bell.mark))
            self._bell.ring(BellEntry(notice_id, account_id, notice.name, bell.page, object_id, mark, self._now))
        return notice_id

    def get(self, notice_id: UUID) -> Notice | None:
        row = self._connection.execute(sa.select(notices).where(notices.c.id == notice_id)).one_or_none()
        return None if row is None or row.sealed is None else self._notice(row)

    def waiting_with(self, notice_id: UUID) -> list[Notice]:
        asked = notices.alias("asked")
        rows = self._connection.execute(
            sa.select(notices)
            .join(asked, asked.c.digest_key == notices.c.digest_key)
            .join(outbox, sa.and_(is_mail, outbox.c.object_id == sa.cast(notices.c.id, sa.Text)))
            .where(
                asked.c.id == notice_id,
                notices.c.id != notice_id,
                notices.c.sealed.is_not(None),
                pending(),
                outbox.c.parked_at.is_(None),
            )
            .order_by(notices.c.created_at, notices.c.id)
            .limit(DIGEST_MOST - 1)
        )
        return [self._notice(row) for row in rows]

    def _notice(self, row: sa.Row[Any]) -> Notice:
        content = json.loads(self._keys.open(SEALED_AS, row.sealed))
        joins = row.digest_key is not None
        return Notice(row.id, row.template, row.language, content["recipient"], content["values"], joins)

    def begin(self, notice_id: UUID) -> None:
        self._connection.execute(sa.update(notices).where(notices.c.id == notice_id).values(times=notices.c.times + 1))

    def mark_sent(self, notice_id: UUID) -> None:
        self._connection.execute(
            sa.update(notices).where(notices.c.id == notice_id).values(sent_at=self._now, sealed=None, digest_key=None)
        )
