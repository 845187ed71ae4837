"""What Keycloak saw of our accounts' sign-ins."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.accounts.store import accounts
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.store import inserted
from hufu_registry.sync.model import SignIn
from hufu_registry.sync.store.tables import client_names, last_sign_ins, sign_in_records


class SqlSignInRecords:
    """One transaction's view."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(self, records: Sequence[SignIn]) -> frozenset[str]:
        """Store those that are new, and who signed in last when; their event ids."""
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
        ids = frozenset(new.scalars())
        self._keep_last(sorted((record.at, record.account_id) for record in records if record.let_in))
        return ids

    def _keep_last(self, let_in: Sequence[tuple[datetime, AccountId]]) -> None:
        last = sorted({account_id: at for at, account_id in let_in}.items())
        if not last:
            return
        rows = inserted(last_sign_ins, [{"account_id": account_id, "at": at} for account_id, at in last])
        later = last_sign_ins.c.at < rows.excluded.at
        self._connection.execute(
            rows.on_conflict_do_update(index_elements=["account_id"], set_={"at": rows.excluded.at}, where=later)
        )

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
