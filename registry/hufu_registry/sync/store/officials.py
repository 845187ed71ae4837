"""Lists of accounts, with what the sign-in server and the directory say of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import SORTED_BY, USUAL, AccountRow, PeopleFilter, accounts, people_among
from hufu_registry.kernel.clock import taipei_date, taipei_midnight
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Kind
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import among, ordered, page_of
from hufu_registry.sync.model import BARS, SignInState, bars_in
from hufu_registry.sync.store.drift import DRIFT
from hufu_registry.sync.store.tables import drifts, last_sign_ins, sign_in_locks


@dataclass(frozen=True, slots=True)
class OfficialRow(AccountRow):
    """`sign_in` is None for whoever may not sign in by his account's state."""

    sign_in: SignInState | None
    last_sign_in_at: datetime | None


@dataclass(frozen=True, slots=True)
class SignInFilter:
    """Those who did not sign in since the beginning of a day in Taipei, or never; whether they may."""

    state: SignInState | None = None
    not_since: date | None = None
    never: bool = False

    def conditions(self, sign_in: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        signed_in = sa.select(sa.literal(1)).where(last_sign_ins.c.account_id == accounts.c.id).correlate(accounts)
        if self.state is not None:
            found.append(sign_in == self.state.value)
        if self.not_since is not None:
            found.append(~sa.exists(signed_in.where(last_sign_ins.c.at >= taipei_midnight(self.not_since))))
        if self.never:
            found.append(~sa.exists(signed_in))
        return found


def officials(
    connection: sa.Connection,
    keys: Keys,
    viewer: AccountId,
    now: datetime,
    page: Page,
    only: PeopleFilter,
    signing_in: SignInFilter,
    *,
    sort: Sort | None = None,
) -> Paged[OfficialRow]:
    """The accounts in the viewer's scope, by agency and name unless sorted."""
    sign_in = sign_in_of(kept_out(connection, keys, taipei_date(now)), now)
    rows, all_of = people_among(viewer, now, [*only.conditions(now), *signing_in.conditions(sign_in)])
    last, by = last_sign_ins.c.at, SORTED_BY | {"sign_in": sign_in, "last_sign_in": last_sign_ins.c.at}
    shown = (
        rows.add_columns(sign_in.label("sign_in"), last.label("last_sign_in_at"))
        .outerjoin(last_sign_ins, last_sign_ins.c.account_id == accounts.c.id)
        .order_by(*ordered(sort, by, USUAL))
    )
    return page_of(connection, OfficialRow, shown, page, all_of=all_of)


def kept_out(connection: sa.Connection, keys: Keys, today: date) -> list[AccountId]:
    """Those whom a setting in the directory keeps out: few, and what it is is sealed."""
    found = sa.select(drifts.c.object_id, drifts.c.there_sealed).where(
        drifts.c.kind == Kind.ACCOUNT.value, drifts.c.field == BARS
    )
    return [
        AccountId(UUID(row.object_id))
        for row in connection.execute(found)
        if any(bar.keeps_out(today) for bar in bars_in(keys.open(DRIFT, row.there_sealed)))
    ]


def sign_in_of(kept_out: list[AccountId], now: datetime) -> sa.ColumnElement[str]:
    """帳號登入許可狀態, as `sign_in_state` and an account's bars say of one; null where its state allows none."""
    holds = sa.or_(sign_in_locks.c.until.is_(None), sign_in_locks.c.until > now)
    locks = sa.select(sign_in_locks.c.account_id).where(sign_in_locks.c.account_id == accounts.c.id, holds)
    return sa.case(
        (accounts.c.state != AccountState.ENABLED.value, sa.null()),
        (accounts.c.id == among(kept_out, sa.Uuid), SignInState.BARRED.value),
        (sa.exists(locks.correlate(accounts)), SignInState.LOCKED.value),
        else_=SignInState.NORMAL.value,
    )
