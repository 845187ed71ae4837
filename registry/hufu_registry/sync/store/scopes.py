"""Which objects a plan is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.model import Path
from hufu_registry.agencies.store import agencies, at_or_below
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import among, outbox, pending
from hufu_registry.sync.model.plan_file import Scope
from hufu_registry.sync.store.tables import account_id_of, agency_id_of, bindings


def agencies_in_scope(connection: sa.Connection, target: Target, scope: Scope) -> Sequence[OutboxKey]:
    """The agencies ever wanted in the target, from the top down.

    Those above the scope are in it while they still have something to do: it cannot stand before they do.
    """
    query = (
        sa.select(outbox.c.object_id)
        .join(agencies, agencies.c.id == agency_id_of(outbox))
        .where(outbox.c.target == target.value, outbox.c.kind == Kind.AGENCY.value)
        .order_by(sa.func.length(agencies.c.path), agencies.c.path)
    )
    path = _path(connection, scope)
    if path is not None:
        above = sa.and_(agencies.c.id.in_(path.ids), pending())
        query = query.where(above if scope.agency_id is None else sa.or_(above, at_or_below(agencies.c.path, path)))
    return [OutboxKey(target, Kind.AGENCY, object_id) for object_id in connection.execute(query).scalars()]


def accounts_in_scope(connection: sa.Connection, target: Target, scope: Scope) -> Sequence[OutboxKey]:
    """The accounts ever wanted in the target."""
    query = (
        sa.select(outbox.c.object_id)
        .join(accounts, accounts.c.id == account_id_of(outbox))
        .where(outbox.c.target == target.value, outbox.c.kind == Kind.ACCOUNT.value)
        .order_by(outbox.c.object_id)
    )
    if scope.account_id is not None:
        query = query.where(outbox.c.object_id == str(scope.account_id))
    else:
        path = _path(connection, scope)
        if path is not None:
            query = query.where(at_or_below(accounts.c.agency_path, path))
    return [OutboxKey(target, Kind.ACCOUNT, object_id) for object_id in connection.execute(query).scalars()]


def _path(connection: sa.Connection, scope: Scope) -> Path | None:
    if scope.account_id is not None:
        query = sa.select(accounts.c.agency_path).where(accounts.c.id == scope.account_id)
    elif scope.agency_id is not None:
        query = sa.select(agencies.c.path).where(agencies.c.id == scope.agency_id)
    else:
        return None
    return Path(connection.execute(query).scalar_one())


def addresses(connection: sa.Connection, target: Target, remote_ids: Collection[str]) -> Mapping[str, str]:
    """Where our objects with these remote ids were seen last."""
    rows = connection.execute(
        sa.select(bindings.c.remote_id, bindings.c.address).where(
            bindings.c.target == target.value, bindings.c.remote_id == among(remote_ids, sa.Text)
        )
    )
    return {row.remote_id: row.address for row in rows}


def held(connection: sa.Connection, keys: Collection[OutboxKey], now: datetime) -> frozenset[OutboxKey]:
    """Those of the rows that a worker has in hand."""
    rows = connection.execute(
        sa.select(outbox.c.target, outbox.c.kind, outbox.c.object_id).where(
            outbox.c.object_id == among({key.object_id for key in keys}, sa.Text), outbox.c.leased_until > now
        )
    )
    return frozenset(keys) & {OutboxKey(Target(row.target), Kind(row.kind), row.object_id) for row in rows}
