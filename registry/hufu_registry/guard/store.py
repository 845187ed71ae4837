"""The guard's tables: acts that are held, what each of them would do, and whom an act would touch."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.guard.model import Change, HeldChange, HeldState, StoredCommand
from hufu_registry.guard.use_cases.ports import Standing
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.mapping import from_columns, from_rows, to_columns
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import Moment, among, counted, metadata, ordered, page_of

held_changes = sa.Table(
    "held_changes",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    # Ids, names of agencies, dates: what is needed to run it afresh. Files are in `files`.
    sa.Column("command", JSONB, nullable=False),
    sa.Column("files", sa.LargeBinary),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("requested_at", Moment, nullable=False),
    sa.Column("requested_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("decided_at", Moment),
    sa.Column("decided_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("failure", sa.Text, nullable=False, server_default=""),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.CheckConstraint("state IN ('held','executed','cancelled','failed')", name="state"),
    sa.Index("ix_held_changes_state", "state", "requested_at"),
)

held_change_accounts = sa.Table(
    "held_change_accounts",
    metadata,
    sa.Column("held_id", sa.Uuid, sa.ForeignKey("held_changes.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account_id", sa.Uuid, sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger, nullable=False),
    sa.Column("agency_name", sa.Text, nullable=False),
    sa.Column("before", sa.Text, nullable=False, server_default=""),
    sa.Column("after", sa.Text, nullable=False, server_default=""),
)


class SqlHeldChanges:
    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def add(self, held_change: HeldChange, command: StoredCommand, changes: Sequence[Change]) -> None:
        self._connection.execute(
            sa.insert(held_changes).values(**to_columns(held_change), command=dict(command.values), files=command.files)
        )
        self._list(held_change.id, changes)

    def get(self, held_id: UUID) -> HeldChange:
        row = self._connection.execute(
            _held_changes().where(held_changes.c.id == held_id).with_for_update()
        ).one_or_none()
        if row is None:
            raise NotFound("held_change")
        return from_columns(HeldChange, row._asdict())

    def command_of(self, held_id: UUID) -> StoredCommand:
        row = self._connection.execute(
            sa.select(held_changes.c.kind, held_changes.c.command, held_changes.c.files).where(
                held_changes.c.id == held_id
            )
        ).one()
        return StoredCommand(row.kind, row.command, row.files)

    def changes_of(self, held_id: UUID) -> list[Change]:
        return from_rows(Change, self._connection.execute(_changes_of(held_id)))

    def save(self, held_change: HeldChange) -> None:
        self._connection.execute(
            sa.update(held_changes).where(held_changes.c.id == held_change.id).values(to_columns(held_change))
        )

    def replace_changes(self, held_id: UUID, changes: Sequence[Change]) -> None:
        self._connection.execute(sa.delete(held_change_accounts).where(held_change_accounts.c.held_id == held_id))
        self._list(held_id, changes)

    def _list(self, held_id: UUID, changes: Sequence[Change]) -> None:
        if changes:
            self._connection.execute(
                sa.insert(held_change_accounts),
                [
                    {"held_id": held_id, "position": position} | to_columns(change)
                    for position, change in enumerate(changes, 1)
                ],
            )

    def standing_in(self, agency_ids: Collection[AgencyId]) -> list[Standing]:
        return self._standing(
            accounts.c.agency_id == among(agency_ids, sa.BigInteger), accounts.c.state != AccountState.DELETED.value
        )

    def standing(self, account_ids: Collection[AccountId]) -> list[Standing]:
        return self._standing(accounts.c.id == among(account_ids, sa.Uuid))

    def _standing(self, *conditions: sa.ColumnElement[bool]) -> list[Standing]:
        rows = self._connection.execute(
            sa.select(
                accounts.c.id, accounts.c.account_name, accounts.c.state, accounts.c.agency_id, agencies.c.full_name
            )
            .join(agencies, agencies.c.id == accounts.c.agency_id)
            .where(*conditions)
            .order_by(accounts.c.agency_path, accounts.c.name_key, accounts.c.id)
        )
        return [
            Standing(
                AccountId(row.id), row.account_name, AccountState(row.state), AgencyId(row.agency_id), row.full_name
            )
            for row in rows
        ]

    def accounts_at(self, agency_ids: Collection[AgencyId]) -> dict[AgencyId, int]:
        rows = self._connection.execute(
            sa.select(accounts.c.agency_id, sa.func.count().label("number"))
            .where(
                accounts.c.agency_id == among(agency_ids, sa.BigInteger),
                accounts.c.state != AccountState.DELETED.value,
            )
            .group_by(accounts.c.agency_id)
        )
        return {AgencyId(row.agency_id): row.number for row in rows}


def _held_changes() -> sa.Select[Any]:
    """Without what it takes to run them."""
    return sa.select(*(column for column in held_changes.c if column.name not in {"command", "files"}))


def _changes_of(held_id: UUID, sort: Sort | None = None) -> sa.Select[Any]:
    return (
        sa.select(held_change_accounts)
        .where(held_change_accounts.c.held_id == held_id)
        .order_by(*ordered(sort, CHANGES_SORTED_BY, (held_change_accounts.c.position,)))
    )


SORTED_BY = {name: held_changes.c[name] for name in ("kind", "cause", "count", "requested_at", "state")}
CHANGES_SORTED_BY = {
    "account": held_change_accounts.c.account_name,
    "agency": held_change_accounts.c.agency_name,
    "kind": held_change_accounts.c.kind,
    "before": held_change_accounts.c.before,
    "after": held_change_accounts.c.after,
}


def list_held_changes(
    connection: sa.Connection, page: Page, state: HeldState | None = None, sort: Sort | None = None
) -> Paged[HeldChange]:
    """Stored acts of a state (None: all), newest first unless sorted."""
    conditions = [] if state is None else [held_changes.c.state == state.value]
    order = ordered(sort, SORTED_BY, (held_changes.c.requested_at.desc(), held_changes.c.id))
    rows = _held_changes().where(*conditions).order_by(*order)
    return page_of(connection, HeldChange, rows, page, all_of=sa.select(held_changes.c.id).where(*conditions))


def count_held(connection: sa.Connection) -> int:
    """How many acts wait for a decision."""
    return counted(connection, sa.select(held_changes.c.id).where(held_changes.c.state == HeldState.HELD.value))


def held_change_of(connection: sa.Connection, held_id: UUID) -> HeldChange:
    """Raises NotFound("held_change")."""
    row = connection.execute(_held_changes().where(held_changes.c.id == held_id)).one_or_none()
    if row is None:
        raise NotFound("held_change")
    return from_columns(HeldChange, row._asdict())


def changes_page(connection: sa.Connection, held_id: UUID, page: Page, *, sort: Sort | None = None) -> Paged[Change]:
    """Whom it touches, by agency and account name unless sorted."""
    its = sa.select(held_change_accounts.c.position).where(held_change_accounts.c.held_id == held_id)
    return page_of(connection, Change, _changes_of(held_id, sort), page, all_of=its)
