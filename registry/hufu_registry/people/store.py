"""People, and the codes mailed to prove a mailbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hufu_registry.kernel.ids import PersonId
from hufu_registry.kernel.mapping import from_columns, to_columns
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.people.model import CodeCount, MailboxCode, Purpose

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
)

mailbox_codes = sa.Table(
    "mailbox_codes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("browser_key", sa.Text, nullable=False),
    sa.Column("network", sa.Text),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("mailbox_key", sa.Text, nullable=False),
    sa.Column("mailbox_sealed", sa.Text, nullable=False),
    sa.Column("code_key", sa.Text, nullable=False),
    sa.Column("sent_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("used_at", Moment),
    sa.Index("ix_mailbox_codes_browser", "browser_key", "purpose", "sent_at"),
    sa.Index("ix_mailbox_codes_mailbox", "mailbox_key", "sent_at"),
    sa.Index("ix_mailbox_codes_network", "network", "sent_at", postgresql_where=sa.text("network IS NOT NULL")),
)


class SqlMailboxes:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock_mailbox(self, mailbox_key: str) -> None:
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(mailbox_key, 0))))

    def codes_since(self, mailbox_key: str, since: datetime) -> Sequence[CodeCount]:
        rows = self._connection.execute(
            sa.select(
                mailbox_codes.c.browser_key,
                sa.func.count(),
                sa.func.sum(mailbox_codes.c.tries),
                sa.func.min(mailbox_codes.c.sent_at),
                sa.func.max(mailbox_codes.c.sent_at),
            )
            .where(mailbox_codes.c.mailbox_key == mailbox_key, mailbox_codes.c.sent_at > since)
            .group_by(mailbox_codes.c.browser_key)
        )
        return [CodeCount(*row) for row in rows]

    def unproved_since(self, network: str, since: datetime, most: int) -> tuple[int, datetime | None]:
        unproved = (
            sa.select(mailbox_codes.c.mailbox_key, sa.func.max(mailbox_codes.c.sent_at).label("sent_at"))
            .where(mailbox_codes.c.network == network, mailbox_codes.c.sent_at > since)
            .group_by(mailbox_codes.c.mailbox_key)
            .having(sa.func.count(mailbox_codes.c.used_at) == 0)
            .order_by(sa.desc("sent_at"))
            .limit(most)
            .subquery()
        )
        row = self._connection.execute(
            sa.select(sa.func.count(), sa.func.min(unproved.c.sent_at)).select_from(unproved)
        ).one()
        return int(row[0]), row[1]

    def change_browser(self, browser_key: str, to: str) -> None:
        self._connection.execute(
            sa.update(mailbox_codes).where(mailbox_codes.c.browser_key == browser_key).values(browser_key=to)
        )

    def add_code(self, code: MailboxCode) -> None:
        self._connection.execute(sa.insert(mailbox_codes).values(to_columns(code)))

    def newest_code(self, browser_key: str, purpose: Purpose, *, lock: bool = False) -> MailboxCode | None:
        query = (
            sa.select(mailbox_codes)
            .where(mailbox_codes.c.browser_key == browser_key, mailbox_codes.c.purpose == purpose.value)
            .order_by(mailbox_codes.c.sent_at.desc())
            .limit(1)
        )
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else from_columns(MailboxCode, row._asdict())

    def save_code(self, code: MailboxCode) -> None:
        self._connection.execute(
            sa.update(mailbox_codes).where(mailbox_codes.c.id == code.id).values(tries=code.tries, used_at=code.used_at)
        )

    def proof(self, browser_key: str, purpose: Purpose, since: datetime) -> str | None:
        return self._connection.execute(
            sa.select(mailbox_codes.c.mailbox_sealed)
            .where(
                mailbox_codes.c.browser_key == browser_key,
                mailbox_codes.c.purpose == purpose.value,
                mailbox_codes.c.used_at > since,
            )
            .order_by(mailbox_codes.c.used_at.desc())
            .limit(1)
        ).scalar_one_or_none()

    def forget_before(self, moment: datetime) -> None:
        self._connection.execute(sa.delete(mailbox_codes).where(mailbox_codes.c.sent_at < moment))


class SqlPeople:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, person_id: PersonId, name: str) -> None:
        self._connection.execute(sa.insert(people).values(id=person_id, name=name, created_at=self._now))
