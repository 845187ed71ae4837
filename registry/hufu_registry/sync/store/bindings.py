"""Where our objects stand in the targets: which of theirs is which of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import distinct_on

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.mapping import to_columns
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import among, inserted
from hufu_registry.sync.model import Binding
from hufu_registry.sync.store.objects import OBJECT, key_of, of_any, values_of
from hufu_registry.sync.store.tables import account_id_of, agency_id_of, bindings, drifts, written_fields


class SqlBindings:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def find(self, key: OutboxKey) -> Binding | None:
        return self.several([key]).get(key)

    def several(self, keys: Collection[OutboxKey]) -> dict[OutboxKey, Binding]:
        """Where those of them are that stand in their targets."""
        rows = self._connection.execute(sa.select(bindings).where(of_any(bindings, keys)))
        return {key_of(row): Binding(row.remote_id, row.address, row.parent_id) for row in rows}

    def bind(self, bound: Mapping[OutboxKey, Binding]) -> None:
        """Remember where our objects are. One made again gets its new id and keeps its first moment."""
        if not bound:
            return
        rows = inserted(
            bindings, [{**values_of(key), **to_columns(bound[key]), "bound_at": self._now} for key in sorted(bound)]
        )
        new = {name: rows.excluded[name] for name in ("remote_id", "address", "parent_id")}
        self._connection.execute(
            rows.on_conflict_do_update(
                index_elements=OBJECT,
                set_=new,
                where=sa.or_(*(bindings.c[name].is_distinct_from(value) for name, value in new.items())),
            )
        )

    def unbind(self, keys: Collection[OutboxKey]) -> None:
        """They do not stand there any more, and we know nothing of them."""
        if keys:
            for table in (drifts, written_fields, bindings):
                self._connection.execute(sa.delete(table).where(of_any(table, keys)))

    def standing_in(self, target: Target, remote_ids: Collection[str]) -> dict[str, OutboxKey]:
        """For each place in which something of ours stands, one of these objects."""
        if not remote_ids:
            return {}
        rows = self._connection.execute(
            sa.select(bindings)
            .ext(distinct_on(bindings.c.parent_id))
            .where(bindings.c.target == target.value, bindings.c.parent_id == among(remote_ids, sa.Text))
            .order_by(bindings.c.parent_id, bindings.c.kind.desc(), bindings.c.object_id)
        )
        return {row.parent_id: key_of(row) for row in rows}

    def accounts_of(self, target: Target, remote_ids: Collection[str]) -> Mapping[str, AccountId]:
        rows = self._connection.execute(
            sa.select(bindings.c.remote_id, accounts.c.id)
            .join(accounts, accounts.c.id == account_id_of(bindings))
            .where(
                bindings.c.target == target.value,
                bindings.c.kind == Kind.ACCOUNT.value,
                bindings.c.remote_id.in_(list(remote_ids)),
            )
        )
        return {row.remote_id: AccountId(row.id) for row in rows}

    def agencies_of(self, target: Target, remote_ids: Collection[str]) -> dict[str, tuple[AgencyId, str]]:
        """Which agencies these are, with their paths."""
        rows = self._connection.execute(
            sa.select(bindings.c.remote_id, agencies.c.id, agencies.c.path)
            .join(agencies, agencies.c.id == agency_id_of(bindings))
            .where(bindings.c.target == target.value, bindings.c.remote_id == among(remote_ids, sa.Text))
        )
        return {row.remote_id: (AgencyId(row.id), row.path) for row in rows}

    def not_activated(self, target: Target, after: AccountId | None, limit: int) -> Sequence[AccountId]:
        """Accounts that could have been activated, by id after `after`; for the nightly check."""
        query = (
            sa.select(accounts.c.id)
            .join(bindings, account_id_of(bindings) == accounts.c.id)
            .where(
                accounts.c.state == "not_activated",
                bindings.c.target == target.value,
                bindings.c.kind == Kind.ACCOUNT.value,
            )
            .order_by(accounts.c.id)
            .limit(limit)
        )
        if after is not None:
            query = query.where(accounts.c.id > after)
        return [AccountId(row.id) for row in self._connection.execute(query)]
