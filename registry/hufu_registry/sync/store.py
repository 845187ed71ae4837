"""The sync engine's tables."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.sync.model import ActKind, ActState

acts = sa.Table(
    "acts",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default=ActState.WAITING.value),
    sa.Column("done_at", Moment),
    sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    sa.Column("times", sa.Integer, nullable=False, server_default="0"),
    sa.CheckConstraint("state IN ('waiting','done','failed')", name="state"),
    sa.Index("ix_acts_account", "account_id", "number"),
)


class SqlActs:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def request(self, kind: ActKind, account_id: AccountId) -> int:
        number = self._connection.execute(
            sa.insert(acts)
            .values(kind=kind.value, account_id=account_id, requested_at=self._now)
            .returning(acts.c.number)
        ).scalar_one()
        return int(number)

    def requested_since(self, kind: ActKind, account_id: AccountId, since: datetime) -> tuple[int, datetime | None]:
        row = self._connection.execute(
            sa.select(sa.func.count(), sa.func.max(acts.c.requested_at)).where(
                acts.c.account_id == account_id, acts.c.kind == kind.value, acts.c.requested_at > since
            )
        ).one()
        return int(row[0]), row[1]
