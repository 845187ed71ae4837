"""Where sign-in is locked, as the targets said last."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import SignInLock, SignInState
from hufu_registry.sync.store.tables import sign_in_locks


class SqlSignInLocks:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def lock(self, account_id: AccountId, lock: SignInLock) -> None:
        """Remember it; a newer one of the same source takes its place."""
        row = insert(sign_in_locks).values(
            account_id=account_id, source=lock.source.value, since=lock.since, until=lock.until
        )
        self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[sign_in_locks.c.account_id, sign_in_locks.c.source],
                set_={"since": row.excluded.since, "until": row.excluded.until},
                where=sign_in_locks.c.since <= row.excluded.since,
            )
        )

    def unlock(self, account_id: AccountId, source: Target | None = None) -> bool:
        """Forget the lock of one source, or of all; false where there was none."""
        mine = sign_in_locks.c.account_id == account_id
        if source is not None:
            mine = sa.and_(mine, sign_in_locks.c.source == source.value)
        return bool(self._connection.execute(sa.delete(sign_in_locks).where(mine)).rowcount)


def sign_in_state(
    connection: sa.Connection, account_id: AccountId, now: datetime
) -> tuple[SignInState, tuple[SignInLock, ...]]:
    """正常使用中 or 鎖定, and the locks that hold."""
    rows = connection.execute(
        sa.select(sign_in_locks).where(sign_in_locks.c.account_id == account_id).order_by(sign_in_locks.c.source)
    )
    locks = (SignInLock(Target(row.source), row.since, row.until) for row in rows)
    holding = tuple(lock for lock in locks if lock.holds(now))
    return (SignInState.LOCKED if holding else SignInState.NORMAL), holding
