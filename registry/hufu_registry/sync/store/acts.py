"""The acts' table: requested with the change, done once by the worker."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Act, ActKind, ActState
from hufu_registry.sync.store.tables import acts


def to_act(row: Any) -> Act:
    return Act(
        number=row.number,
        kind=ActKind(row.kind),
        account_id=AccountId(row.account_id),
        requested_at=row.requested_at,
        state=ActState(row.state),
        done_at=row.done_at,
        outcome=row.outcome,
        times=row.times,
        target=Target(row.target),
    )


class SqlActs:
    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def request(self, kind: ActKind, account_id: AccountId, target: Target) -> int:
        number = self._connection.execute(
            sa.insert(acts)
            .values(kind=kind.value, account_id=account_id, target=target.value, requested_at=self._now)
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

    def waiting(self, account_ids: Collection[AccountId], target: Target) -> Sequence[Act]:
        rows = self._connection.execute(
            sa.select(acts)
            .where(
                acts.c.account_id.in_(list(account_ids)),
                acts.c.target == target.value,
                acts.c.state == ActState.WAITING.value,
            )
            .order_by(acts.c.number)
        )
        return [to_act(row) for row in rows]

    def begin(self, number: int) -> bool:
        result = self._connection.execute(
            sa.update(acts)
            .where(acts.c.number == number, acts.c.state == ActState.WAITING.value)
            .values(times=acts.c.times + 1)
        )
        return bool(result.rowcount)

    def take_back(self, number: int) -> None:
        self._connection.execute(
            sa.update(acts)
            .where(acts.c.number == number, acts.c.state == ActState.WAITING.value, acts.c.times > 0)
            .values(times=acts.c.times - 1)
        )

    def close(self, number: int, state: ActState, outcome: str) -> bool:
        result = self._connection.execute(
            sa.update(acts)
            .where(acts.c.number == number, acts.c.state == ActState.WAITING.value)
            .values(state=state.value, outcome=outcome, done_at=self._now)
        )
        return bool(result.rowcount)
