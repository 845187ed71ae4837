"""AD 同步管理作業: the lists of waiting work and of drift, and what a person does about single rows of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.store import agencies
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.keys import Keys
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import PENDING_STATES, among, counted, ordered, outbox, pending
from hufu_registry.kernel.texts import words_of
from hufu_registry.notices.store import notices
from hufu_registry.sync.model import MISSING, Code, Drift, ErrorClass, WorkRow, WorkState
from hufu_registry.sync.model.desired import FIELDS, MAILBOX_FIELD
from hufu_registry.sync.model.drift import is_acceptable
from hufu_registry.sync.model.plan import PLACE
from hufu_registry.sync.store.drift import DRIFT
from hufu_registry.sync.store.objects import key_of
from hufu_registry.sync.store.queue import is_row, waits_for
from hufu_registry.sync.store.tables import bindings, drifts, target_health, written_fields
from hufu_registry.sync.store.target_health import paused_targets

MOST_WORDS = 5

STATES = {state: PENDING_STATES[state.value] for state in WorkState}
WAITS_FOR = waits_for().label("waits_for")


class SqlAdministration:
    """One transaction's hold on the queue's rows and the targets, for a person's acts."""

    def __init__(self, connection: sa.Connection, keys: Keys, now: datetime) -> None:
        self._connection = connection
        self._keys = keys
        self._now = now

    def pause(self, target: Target, why: str, paused_by: AccountId | None) -> bool:
        row = insert(target_health).values(
            target=target.value, paused_at=self._now, paused_by=paused_by, paused_why=why
        )
        fresh = row.on_conflict_do_update(
            index_elements=[target_health.c.target],
            set_={name: row.excluded[name] for name in ("paused_at", "paused_by", "paused_why")},
            where=target_health.c.paused_at.is_(None),
        )
        return self._connection.execute(fresh.returning(target_health.c.target)).first() is not None

    def resume(self, target: Target) -> bool:
        return bool(
            self._connection.execute(
                sa.update(target_health)
                .where(target_health.c.target == target.value, target_health.c.paused_at.is_not(None))
                .values(paused_at=None, paused_by=None, paused_why="")
            ).rowcount
        )

    def retry(self, key: OutboxKey) -> bool:
        return self._change(
            key, next_at=self._now, bulk=False, parked_at=None, error_class=None, error=None, attempts=0
        )

    def drop(self, key: OutboxKey) -> bool:
        return self._change(
            key,
            applied_generation=outbox.c.generation,
            parked_at=None,
            error_class=None,
            error=None,
            attempts=0,
            next_at=None,
        )

    def _change(self, key: OutboxKey, **values: Any) -> bool:
        return bool(self._connection.execute(sa.update(outbox).where(is_row(key), pending()).values(**values)).rowcount)

    def drift(self, key: OutboxKey, field: str) -> Drift:
        return drift_of(self._connection, self._keys, key, field)

    def ignore(self, key: OutboxKey, field: str, until: datetime | None) -> None:
        self._connection.execute(
            sa.update(drifts).where(_of(drifts, key), drifts.c.field == field).values(ignored_until=until)
        )

    def accept(self, key: OutboxKey, field: str) -> None:
        self._connection.execute(sa.delete(drifts).where(_of(drifts, key), drifts.c.field == field))

    def forget_written(self, key: OutboxKey, field: str) -> None:
        self._connection.execute(
            sa.delete(written_fields).where(_of(written_fields, key), written_fields.c.field == field)
        )

    def is_missed(self, key: OutboxKey) -> bool:
        worked = sa.select(outbox.c.object_id).where(
            is_row(key), pending(), outbox.c.error_class == ErrorClass.GONE.value
        )
        compared = sa.select(drifts.c.object_id).where(_of(drifts, key), drifts.c.field == MISSING)
        return bool(self._connection.execute(sa.select(sa.or_(sa.exists(worked), sa.exists(compared)))).scalar())

    def unbind(self, key: OutboxKey) -> bool:
        for table in (drifts, written_fields):
            self._connection.execute(sa.delete(table).where(_of(table, key)))
        return bool(self._connection.execute(sa.delete(bindings).where(_of(bindings, key))).rowcount)

    def vanished(self, keys: Collection[OutboxKey]) -> Sequence[OutboxKey]:
        its = [bindings.c[name] == outbox.c[name] for name in ("target", "kind", "object_id")]
        rows = self._connection.execute(
            sa.select(outbox.c.target, outbox.c.kind, outbox.c.object_id).where(
                outbox.c.object_id == among({key.object_id for key in keys}, sa.Text),
                outbox.c.target.in_({key.target.value for key in keys}),
                outbox.c.kind.in_({key.kind.value for key in keys}),
                sa.not_(pending()),
                ~sa.exists(sa.select(sa.literal(1)).where(*its).correlate(outbox)),
            )
        )
        return sorted({key_of(row) for row in rows} & set(keys))

    def refuses_mailbox(self, account_id: AccountId) -> bool:
        key = OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(account_id))
        row = self._connection.execute(sa.select(outbox).where(is_row(key), pending())).one_or_none()
        return row is not None and MAILBOX_FIELD in refused_fields(row)


def _of(table: sa.Table, key: OutboxKey) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.target == key.target.value, table.c.kind == key.kind.value, table.c.object_id == key.object_id
    )


class Named(NamedTuple):
    """What a row is about, for a person: who, or what, and at which agency."""

    title: str
    agency_name: str


def names_of(connection: sa.Connection, keys: Iterable[OutboxKey]) -> Mapping[OutboxKey, Named]:
    """The names of those that exist."""
    wanted: dict[Kind, set[str]] = {kind: set() for kind in Kind}
    by_object: dict[tuple[Kind, str], list[OutboxKey]] = {}
    for key in keys:
        wanted[key.kind].add(key.object_id)
        by_object.setdefault((key.kind, key.object_id), []).append(key)
    names = {
        **{(Kind.ACCOUNT, object_id): named for object_id, named in _accounts(connection, wanted[Kind.ACCOUNT])},
        **{(Kind.AGENCY, object_id): named for object_id, named in _agencies(connection, wanted[Kind.AGENCY])},
        **{(Kind.NOTICE, object_id): named for object_id, named in _notices(connection, wanted[Kind.NOTICE])},
    }
    return {key: named for about, named in names.items() for key in by_object[about]}


def _accounts(connection: sa.Connection, ids: Collection[str]) -> Iterable[tuple[str, Named]]:
    rows = connection.execute(
        sa.select(accounts.c.id, accounts.c.account_name, accounts.c.name, agencies.c.full_name)
        .join(agencies, agencies.c.id == accounts.c.agency_id)
        .where(accounts.c.id == among(_uuids(ids), sa.Uuid))
    )
    return [(str(row.id), Named(f"{row.name} ({row.account_name})", row.full_name)) for row in rows]


def _agencies(connection: sa.Connection, ids: Collection[str]) -> Iterable[tuple[str, Named]]:
    numbers = [int(text) for text in ids if text.isdecimal()]
    rows = connection.execute(
        sa.select(agencies.c.id, agencies.c.name, agencies.c.full_name).where(
            agencies.c.id == among(numbers, sa.BigInteger)
        )
    )
    return [(str(row.id), Named(row.name, row.full_name)) for row in rows]


def _notices(connection: sa.Connection, ids: Collection[str]) -> Iterable[tuple[str, Named]]:
    """Who gets it is sealed, and stays so: the template says what it is."""
    rows = connection.execute(
        sa.select(notices.c.id, notices.c.template).where(notices.c.id == among(_uuids(ids), sa.Uuid))
    )
    return [(str(row.id), Named(row.template, "")) for row in rows]


def _uuids(texts: Iterable[str]) -> list[UUID]:
    """Those that are some: what bears our mark in a target may say anything."""
    ids = []
    for text in texts:
        try:
            ids.append(UUID(text))
        except ValueError:
            continue
    return ids


def _about(table: sa.FromClause, words: str) -> list[sa.ColumnElement[bool]]:
    """Each word is a part of the person's name, the account's name, or the agency's full name."""
    wanted = words_of(words)
    if not wanted:
        return []
    in_agency = [sa.func.strpos(agencies.c.search_path, word) > 0 for word in wanted]
    in_account = [
        sa.or_(
            of_agency,
            sa.func.strpos(accounts.c.name_folded, word) > 0,
            sa.func.strpos(accounts.c.name_key, word) > 0,
        )
        for of_agency, word in zip(in_agency, wanted, strict=True)
    ]
    # From each row to its object by the key: the rows are few, the accounts are a million.
    account = (
        sa.select(sa.literal(1))
        .select_from(accounts.join(agencies, agencies.c.id == accounts.c.agency_id))
        .where(accounts.c.id == _as(table, Kind.ACCOUNT, "^[0-9a-f-]{36}$", sa.Uuid), *in_account)
    )
    agency = sa.select(sa.literal(1)).where(
        agencies.c.id == _as(table, Kind.AGENCY, "^[0-9]{1,18}$", sa.BigInteger), *in_agency
    )
    return [sa.or_(sa.exists(account.correlate(table)), sa.exists(agency.correlate(table)))]


def _as(table: sa.FromClause, kind: Kind, shape: str, type_: type[sa.types.TypeEngine[Any]]) -> sa.ColumnElement[Any]:
    """The row's object id, where it is of this kind and can be one: our mark in a target may bear anything."""
    can_be = sa.and_(table.c.kind == kind.value, table.c.object_id.regexp_match(shape))
    return sa.case((can_be, sa.cast(table.c.object_id, type_)))


WORK_SORTED_BY = {
    **{name: outbox.c[name] for name in ("attempts", "requested_at", "next_at")},
    "system": outbox.c.target,
    "state": sa.case(*((such, state.value) for state, such in STATES.items())),
    "why": outbox.c.error,
}
DRIFT_SORTED_BY = {**{name: drifts.c[name] for name in ("field", "since")}, "system": drifts.c.target}


def work_rows(
    connection: sa.Connection,
    page: Page,
    *,
    target: Target | None = None,
    state: WorkState | None = None,
    words: str = "",
    sort: Sort | None = None,
) -> Paged[WorkRow]:
    """Unfinished work, oldest first unless sorted; `words` are parts of 姓名, account names and agencies' names."""
    conditions = [pending(), *_about(outbox, words)]
    if target is not None:
        conditions.append(outbox.c.target == target.value)
    if state is not None:
        conditions.append(STATES[state])
    total = counted(connection, sa.select(outbox.c.object_id).where(*conditions))
    key = (outbox.c.target, outbox.c.kind, outbox.c.object_id)
    order = ordered(sort, WORK_SORTED_BY, (outbox.c.requested_at, *key))
    shown = sa.select(*key).where(*conditions).order_by(*order).limit(page.size).offset(page.offset).subquery()
    rows = connection.execute(
        sa.select(outbox, WAITS_FOR)
        .join(shown, sa.and_(*(column == shown.c[column.name] for column in key)))
        .order_by(*order)
    ).all()
    return Paged(_work_rows(connection, rows), total, page)


def count_parked(connection: sa.Connection) -> int:
    """How many rows were left to a person."""
    return counted(connection, sa.select(outbox.c.object_id).where(pending(), STATES[WorkState.PARKED]))


def count_drifts(
    connection: sa.Connection, now: datetime, *, target: Target | None = None, ignored: bool = False
) -> int:
    """How many differences there are; with `ignored` only those that are ignored now, else the rest."""
    return counted(connection, sa.select(drifts.c.field).where(*_listed(now, target, ignored=ignored)))


def _listed(now: datetime, target: Target | None, *, ignored: bool) -> list[sa.ColumnElement[bool]]:
    hidden = sa.and_(drifts.c.ignored_until.is_not(None), drifts.c.ignored_until > now)
    conditions = [hidden if ignored else sa.not_(hidden)]
    return conditions if target is None else [*conditions, drifts.c.target == target.value]


def work_row(connection: sa.Connection, key: OutboxKey) -> WorkRow:
    """Raises NotFound("work") where nothing is to be done for it."""
    rows = connection.execute(sa.select(outbox, WAITS_FOR).where(is_row(key), pending())).all()
    if not rows:
        raise NotFound("work")
    return _work_rows(connection, rows)[0]


def _work_rows(connection: sa.Connection, rows: Sequence[Any]) -> list[WorkRow]:
    named = names_of(connection, [key_of(row) for row in rows])
    paused = paused_targets(connection)
    return [
        _work_row(row, named.get(key_of(row), Named(row.object_id, "")), paused=Target(row.target) in paused)
        for row in rows
    ]


def _work_row(row: Any, named: Named, *, paused: bool) -> WorkRow:
    failing = row.error_class is not None
    state = WorkState.RETRYING if failing else WorkState.WAITING
    return WorkRow(
        key=key_of(row),
        state=WorkState.PARKED if row.parked_at is not None else state,
        title=named.title,
        agency_name=named.agency_name,
        requested_at=row.requested_at,
        next_at=None if row.parked_at is not None else row.next_at,
        attempts=row.attempts,
        error_class=ErrorClass(row.error_class) if failing else None,
        code=code_of(row.error) if failing else row.waits_for and Code(row.waits_for),
        bulk=row.bulk,
        paused=paused,
        fields=refused_fields(row),
    )


def refused_fields(row: Any) -> tuple[str, ...]:
    """Whose values the target did not take, as far as they are ours; a row's of the queue."""
    return tuple(field for field in row.error_fields if field in FIELDS) if row.error_class else ()


def code_of(text: str | None) -> Code:
    return Code(text) if text in set(Code) else Code.UNEXPECTED


def drift_rows(
    connection: sa.Connection,
    keys: Keys,
    page: Page,
    *,
    target: Target | None = None,
    words: str = "",
    ignored: bool = False,
    now: datetime,
    sort: Sort | None = None,
) -> Paged[Drift]:
    """What somebody else changed, oldest first unless sorted; what is ignored now, or the rest."""
    conditions = [*_listed(now, target, ignored=ignored), *_about(drifts, words)]
    total = counted(connection, sa.select(drifts.c.field).where(*conditions))
    usual = (drifts.c.since, drifts.c.target, drifts.c.kind, drifts.c.object_id, drifts.c.field)
    order = ordered(sort, DRIFT_SORTED_BY, usual)
    rows = connection.execute(
        sa.select(drifts).where(*conditions).order_by(*order).limit(page.size).offset(page.offset)
    ).all()
    return Paged(_drifts(connection, keys, rows), total, page)


def drift_of(connection: sa.Connection, keys: Keys, key: OutboxKey, field: str) -> Drift:
    """Raises NotFound("drift")."""
    rows = connection.execute(sa.select(drifts).where(_of(drifts, key), drifts.c.field == field)).all()
    if not rows:
        raise NotFound("drift")
    return _drifts(connection, keys, rows)[0]


def _drifts(connection: sa.Connection, keys: Keys, rows: Sequence[Any]) -> list[Drift]:
    named = names_of(connection, [key_of(row) for row in rows])
    opened = [(row, _opened(keys, row.there_sealed), _opened(keys, row.wanted_sealed)) for row in rows]
    places = {value for row, *values in opened if row.field == PLACE for value in values}
    standing = _addresses(connection, places) if places else {}
    listed = []
    for row, there, wanted in opened:
        key = key_of(row)
        title, agency_name = named.get(key, Named(row.object_id, ""))
        listed.append(
            Drift(
                key=key,
                field=row.field,
                since=row.since,
                seen_at=row.seen_at,
                title=title,
                agency_name=agency_name,
                there=standing.get((row.target, there), there),
                wanted=standing.get((row.target, wanted), wanted),
                acceptable=is_acceptable(key.kind, row.field, there),
                ignored_until=row.ignored_until,
            )
        )
    return listed


def _addresses(connection: sa.Connection, remote_ids: Collection[str]) -> Mapping[tuple[str, str], str]:
    """Where what has these ids in a target stands there, for people to read."""
    rows = connection.execute(
        sa.select(bindings.c.target, bindings.c.remote_id, bindings.c.address).where(
            bindings.c.remote_id == among(remote_ids, sa.Text)
        )
    )
    return {(row.target, row.remote_id): row.address for row in rows}


def _opened(keys: Keys, sealed: str) -> str:
    return keys.open(DRIFT, sealed) if sealed else ""
