"""The acts' table: requested with the change, done once by the worker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.propagation.model import ActionKind, ActionState, OneTimeAction

one_time_actions = sa.Table(
    "one_time_actions",
    metadata,
    sa.Column("number", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("state", sa.Text, nullable=False, server_default=ActionState.WAITING.value),
    sa.Column("done_at", Moment),
    sa.Column("outcome", sa.Text, nullable=False, server_default=""),
    sa.Column("times", sa.Integer, nullable=False, server_default="0"),
    sa.Column("target", sa.Text, nullable=False, server_default="keycloak"),
    sa.CheckConstraint("state IN ('waiting','done','failed')", name="state"),
    sa.Index("ix_one_time_actions_account", "account_id", "number"),
)


def to_action(row: Any) -> OneTimeAction:
    return OneTimeAction(
        number=row.number,
        kind=ActionKind(row.kind),
        account_id=AccountId(row.account_id),
        requested_at=row.requested_at,
        state=ActionState(row.state),
        done_at=row.done_at,
        outcome=row.outcome,
        times=row.times,
        target=Target(row.target),
    )


class SqlActions:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def request(self, kind: ActionKind, account_id: AccountId, target: Target) -> int:
        number = self._connection.execute(
            sa.insert(one_time_actions)
            .values(kind=kind.value, account_id=account_id, target=target.value, requested_at=self._now)
            .returning(one_time_actions.c.number)
        ).scalar_one()
        return int(number)

    def requested_since(self, kind: ActionKind, account_id: AccountId, since: datetime) -> Sequence[datetime]:
        requested = one_time_actions.c.requested_at
        its = sa.and_(one_time_actions.c.account_id == account_id, one_time_actions.c.kind == kind.value)
        query = sa.select(requested).where(its, requested > since).order_by(requested)
        return list(self._connection.execute(query).scalars())

    def waiting(self, account_ids: Collection[AccountId], target: Target) -> Sequence[OneTimeAction]:
        rows = self._connection.execute(
            sa.select(one_time_actions)
            .where(
                one_time_actions.c.account_id.in_(list(account_ids)),
                one_time_actions.c.target == target.value,
                one_time_actions.c.state == ActionState.WAITING.value,
            )
            .order_by(one_time_actions.c.number)
        )
        return [to_action(row) for row in rows]

    def begin(self, number: int) -> bool:
        result = self._connection.execute(
            sa.update(one_time_actions)
            .where(one_time_actions.c.number == number, one_time_actions.c.state == ActionState.WAITING.value)
            .values(times=one_time_actions.c.times + 1)
        )
        return bool(result.rowcount)

    def take_back(self, number: int) -> None:
        self._connection.execute(
            sa.update(one_time_actions)
            .where(
                one_time_actions.c.number == number,
                one_time_actions.c.state == ActionState.WAITING.value,
                one_time_actions.c.times > 0,
            )
            .values(times=one_time_actions.c.times - 1)
        )

    def close(self, number: int, state: ActionState, outcome: str) -> bool:
        result = self._connection.execute(
            sa.update(one_time_actions)
            .where(one_time_actions.c.number == number, one_time_actions.c.state == ActionState.WAITING.value)
            .values(state=state.value, outcome=outcome, done_at=self._now)
        )
        return bool(result.rowcount)
