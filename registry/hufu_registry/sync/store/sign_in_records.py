"""What Keycloak saw of our accounts' sign-ins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.accounts.store import accounts
from hufu_registry.kernel.ids import AccountId
from hufu_registry.sync.model import SignIn
from hufu_registry.sync.store.tables import client_names, sign_in_records


class SqlSignInRecords:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(self, records: Sequence[SignIn]) -> frozenset[str]:
        """Store those that are new; their event ids."""
        if not records:
            return frozenset()
        rows = insert(sign_in_records).values(
            [
                {
                    "event_id": record.event_id,
                    "account_id": record.account_id,
                    "type": record.type,
                    "client": record.client,
                    "address": record.address,
                    "at": record.at,
                    "error": record.error,
                }
                for record in records
            ]
        )
        new = self._connection.execute(rows.on_conflict_do_nothing().returning(sign_in_records.c.event_id))
        return frozenset(new.scalars())

    def name_clients(self, names: Mapping[str, tuple[str, str]]) -> None:
        """What people call these applications, in Chinese and in English; writes only news."""
        rows = insert(client_names).values(
            [{"client": client, "name": name, "name_en": name_en} for client, (name, name_en) in sorted(names.items())]
        )
        told = {"name": rows.excluded.name, "name_en": rows.excluded.name_en}
        changed = sa.tuple_(client_names.c.name, client_names.c.name_en) != sa.tuple_(*told.values())
        self._connection.execute(rows.on_conflict_do_update(index_elements=["client"], set_=told, where=changed))

    def not_activated_among(self, account_ids: Collection[AccountId]) -> Sequence[AccountId]:
        rows = self._connection.execute(
            sa.select(accounts.c.id).where(accounts.c.id.in_(list(account_ids)), accounts.c.state == "not_activated")
        )
        return [AccountId(row.id) for row in rows]
