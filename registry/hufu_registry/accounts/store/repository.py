"""The accounts' and taken names' tables. Mailbox and mobile are encrypted, with a keyed hash to find them by."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.accounts.model import Account, AccountState, NameHolder, Profile, name_key
from hufu_registry.accounts.use_cases.ports import Manager
from hufu_registry.agencies.model import Agency, Path
from hufu_registry.agencies.store import PathText, at_or_below
from hufu_registry.kernel.errors import Conflict, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.mapping import from_columns, to_columns
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.permissions import Permission
from hufu_registry.kernel.store import Moment, among, metadata, outbox, sql_folded, text_columns
from hufu_registry.rights.store import gives, grants, in_force

# So many managers are mailed about one matter.
MOST_TOLD = 50

PROVED_ONCE = "uq_accounts_official_mail"

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id"), nullable=False, index=True),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("name_key", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger, nullable=False),
    sa.Column("agency_path", PathText, nullable=False),
    sa.Column("unit_id", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("name", sa.Text, nullable=False),
    # What searches and the search for the same person look at.
    sa.Column("name_folded", sa.Text, sa.Computed(sql_folded("name"), persisted=True)),
    *text_columns(Profile, but={"name", "unit_id"}),
    sa.Column("mailbox_sealed", sa.Text, nullable=False),
    sa.Column("mailbox_key", sa.Text, nullable=False, index=True),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("state_cause", sa.Text),
    sa.Column("state_reason", sa.Text, nullable=False, server_default=""),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("approved_at", Moment, nullable=False),
    sa.Column("activated_at", Moment),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("kind", sa.Text, nullable=False, server_default="personal"),
    sa.Column("deleted_at", Moment),
    sa.Column("official_mail_proved_at", Moment),
    sa.Column("renewed_at", Moment),
    sa.ForeignKeyConstraint(
        ["agency_id", "agency_path"],
        ["agencies.id", "agencies.path"],
        onupdate="CASCADE",
        name="fk_accounts_agency",
    ),
    sa.CheckConstraint("state IN ('not_activated','enabled','disabled','deleted')", name="state"),
    sa.CheckConstraint("kind IN ('personal','shared')", name="kind"),
    sa.CheckConstraint("state_cause IN ('security','not_activated_in_time')", name="state_cause"),
    sa.Index("uq_accounts_name_key", "name_key", unique=True, postgresql_where=sa.text("state <> 'deleted'")),
    sa.Index(
        PROVED_ONCE,
        "official_mail",
        unique=True,
        postgresql_where=sa.text("official_mail_proved_at IS NOT NULL AND state <> 'deleted'"),
    ),
    sa.Index("ix_accounts_agency_path", "agency_path"),
    sa.Index(
        "ix_accounts_not_activated",
        sa.text("coalesce(renewed_at, approved_at)"),
        postgresql_where=sa.text("state = 'not_activated'"),
    ),
)

taken_names = sa.Table(
    "taken_names",
    metadata,
    sa.Column("name_key", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("holder_id", sa.Uuid),
    sa.Column("taken_at", Moment, nullable=False),
    sa.Column("freed_at", Moment),
)


def holding(permission: Permission, now: datetime) -> sa.ColumnElement[bool]:
    """Joins accounts and grants: somebody enabled, by a grant in force that gives the permission, wherever rooted."""
    return sa.and_(
        grants.c.account_id == accounts.c.id,
        gives(permission),
        in_force(now),
        accounts.c.state == AccountState.ENABLED.value,
    )


class SqlAccounts:
    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def get(self, account_id: AccountId, *, lock: bool = False) -> Account:
        query = sa.select(accounts).where(accounts.c.id == account_id)
        # Its id stays: whoever only writes it down somewhere, as the actor of a run, does not wait.
        row = self._connection.execute(query.with_for_update(key_share=True) if lock else query).one_or_none()
        if row is None:
            raise NotFound("account")
        return self._to_account(row)

    def find(self, account_id: AccountId) -> Account | None:
        row = self._connection.execute(sa.select(accounts).where(accounts.c.id == account_id)).one_or_none()
        return None if row is None else self._to_account(row)

    def hold(self, account_id: AccountId) -> Account | None:
        query = sa.select(accounts).where(accounts.c.id == account_id)
        row = self._connection.execute(query.with_for_update(key_share=True, skip_locked=True)).one_or_none()
        return None if row is None else self._to_account(row)

    def several(self, account_ids: Collection[AccountId]) -> dict[AccountId, Account]:
        """Those of them that there are."""
        rows = self._connection.execute(sa.select(accounts).where(accounts.c.id == among(account_ids, sa.Uuid)))
        return {AccountId(row.id): self._to_account(row) for row in rows}

    def find_by_name(self, account_name: str) -> Account | None:
        row = self._connection.execute(
            sa.select(accounts).where(
                accounts.c.name_key == name_key(account_name), accounts.c.state != AccountState.DELETED.value
            )
        ).one_or_none()
        return None if row is None else self._to_account(row)

    def by_mailbox(self, mailbox_key: str) -> list[Account]:
        rows = self._connection.execute(
            sa.select(accounts)
            .where(accounts.c.mailbox_key == mailbox_key, accounts.c.state != AccountState.DELETED.value)
            .order_by(accounts.c.created_at)
            .limit(50)
        )
        return [self._to_account(row) for row in rows]

    def official_mail_of(self, mail: str) -> AccountId | None:
        row = self._connection.execute(
            sa.select(accounts.c.id).where(
                accounts.c.official_mail == mail,
                accounts.c.official_mail_proved_at.is_not(None),
                accounts.c.state != AccountState.DELETED.value,
            )
        ).one_or_none()
        return None if row is None else AccountId(row.id)

    def add(self, account: Account) -> None:
        self._write(sa.insert(accounts).values(**self._values(account)))

    def save(self, account: Account) -> None:
        saved = self._write(
            sa.update(accounts)
            .where(accounts.c.id == account.id, accounts.c.version == account.version)
            .values(self._values(account) | {"version": account.version + 1})
        )
        if not saved:
            raise Conflict("changed_meanwhile")

    def _write(self, statement: sa.Insert | sa.Update) -> int:
        """How many rows it wrote."""
        try:
            return self._connection.execute(statement).rowcount
        except sa.exc.IntegrityError as error:
            if PROVED_ONCE in str(error.orig):
                raise Conflict("official_mail_taken") from error
            raise

    def at_or_below(self, path: Path) -> dict[AgencyId, list[AccountId]]:
        rows = self._connection.execute(
            sa.select(accounts.c.id, accounts.c.agency_id)
            .where(
                at_or_below(accounts.c.agency_path, path),
                accounts.c.state != AccountState.DELETED.value,
            )
            .order_by(accounts.c.agency_path, accounts.c.id)
        )
        by_agency: dict[AgencyId, list[AccountId]] = {}
        for row in rows:
            by_agency.setdefault(AgencyId(row.agency_id), []).append(AccountId(row.id))
        return by_agency

    def places_among(self, agency_ids: Collection[AgencyId]) -> set[AgencyId]:
        asked, alive = among(agency_ids, sa.BigInteger), accounts.c.state != AccountState.DELETED.value
        places = sa.union(
            *(sa.select(column).where(column == asked, alive) for column in (accounts.c.agency_id, accounts.c.unit_id))
        )
        return {AgencyId(place) for place in self._connection.execute(places).scalars()}

    def unit_renamed(self, unit_id: AgencyId, name: str) -> list[OutboxKey]:
        changed = self._connection.execute(
            sa.update(accounts)
            .where(accounts.c.unit_id == unit_id, accounts.c.state != AccountState.DELETED.value)
            .values(unit_name=name, version=accounts.c.version + 1)
            .returning(sa.cast(accounts.c.id, sa.Text))
        )
        ids = list(changed.scalars())
        rows = self._connection.execute(
            sa.select(outbox.c.target, outbox.c.object_id).where(
                outbox.c.kind == Kind.ACCOUNT.value, outbox.c.object_id == among(ids, sa.Text)
            )
        )
        return [OutboxKey(Target(row.target), Kind.ACCOUNT, row.object_id) for row in rows]

    def hand_over(self, agency_id: AgencyId, successor: Agency) -> list[AccountId]:
        moved = self._connection.execute(
            sa.update(accounts)
            .where(accounts.c.agency_id == agency_id, accounts.c.state != AccountState.DELETED.value)
            .values(agency_id=successor.id, agency_path=successor.path.text, version=accounts.c.version + 1)
            .returning(accounts.c.id)
        )
        return sorted(AccountId(account_id) for account_id in moved.scalars())

    def has_other_holder(self, permission: Permission, agency_id: AgencyId | None, besides: AccountId) -> bool:
        others = (
            sa.select(accounts.c.id)
            .join(grants, holding(permission, self._now))
            .where(grants.c.agency_id.is_not_distinct_from(agency_id), accounts.c.id != besides)
        )
        return self._connection.execute(others.limit(1)).first() is not None

    def managers_above(self, path: Path | None, permission: Permission) -> list[Manager]:
        above = among(() if path is None else path.ids[:-1], sa.BigInteger)
        rooted_above = sa.and_(grants.c.with_subordinates, grants.c.agency_id == above)
        rows = self._connection.execute(
            sa.select(accounts.c.id, accounts.c.mailbox_sealed, accounts.c.language, grants.c.agency_path)
            .join(grants, holding(permission, self._now))
            .where(sa.or_(rooted_above, grants.c.agency_id.is_(None)))
            .order_by(sa.func.length(grants.c.agency_path).desc().nulls_last(), accounts.c.created_at, accounts.c.id)
            .limit(MOST_TOLD)
        ).all()
        return [
            Manager(AccountId(row.id), self._keys.open("mailbox", row.mailbox_sealed), row.language)
            for row in rows
            if row.agency_path == rows[0].agency_path
        ]

    def unactivated_since(self, moment: datetime, limit: int) -> list[AccountId]:
        since = sa.func.coalesce(accounts.c.renewed_at, accounts.c.approved_at)
        rows = self._connection.execute(
            sa.select(accounts.c.id)
            .where(accounts.c.state == AccountState.NOT_ACTIVATED.value, since < moment)
            .order_by(since)
            .limit(limit)
        )
        return [AccountId(row.id) for row in rows]

    def _values(self, account: Account) -> dict[str, Any]:
        return to_columns(account, self._keys) | {"name_key": name_key(account.account_name)}

    def _to_account(self, row: sa.Row[Any]) -> Account:
        return from_columns(Account, row._asdict(), self._keys)


class SqlNames:
    def __init__(self, connection: sa.Connection, rest: timedelta, now: datetime) -> None:
        self._connection = connection
        self._rest = rest
        self._now = now

    def is_free(self, key: str, *, now: datetime, case_id: UUID | None = None) -> bool:
        row = self._connection.execute(sa.select(taken_names).where(taken_names.c.name_key == key)).one_or_none()
        if row is None:
            return True
        if row.freed_at is not None:
            return bool(row.freed_at + self._rest <= now)
        return case_id is not None and row.holder == NameHolder.CASE.value and row.holder_id == case_id

    def take(self, key: str, holder: NameHolder, holder_id: UUID | None, *, case_id: UUID | None = None) -> bool:
        row = insert(taken_names).values(
            name_key=key, holder=holder.value, holder_id=holder_id, taken_at=self._now, freed_at=None
        )
        rested = taken_names.c.freed_at <= self._now - self._rest
        mine = sa.and_(
            taken_names.c.freed_at.is_(None),
            sa.or_(
                sa.and_(taken_names.c.holder == NameHolder.CASE.value, taken_names.c.holder_id == case_id),
                sa.and_(taken_names.c.holder == holder.value, taken_names.c.holder_id == holder_id),
            ),
        )
        result = self._connection.execute(
            row.on_conflict_do_update(
                index_elements=[taken_names.c.name_key],
                set_={
                    "holder": row.excluded.holder,
                    "holder_id": row.excluded.holder_id,
                    "taken_at": row.excluded.taken_at,
                    "freed_at": None,
                },
                where=sa.or_(rested, mine),
            ).returning(taken_names.c.name_key)
        )
        return result.first() is not None

    def release(self, key: str, holder_id: UUID, *, rest: bool) -> None:
        mine = sa.and_(taken_names.c.name_key == key, taken_names.c.holder_id == holder_id)
        if rest:
            self._connection.execute(sa.update(taken_names).where(mine).values(freed_at=self._now))
        else:
            self._connection.execute(sa.delete(taken_names).where(mine))
