"""The settings' table: a row for each change, none is ever changed or deleted. The newest that has begun counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import distinct_on

from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.mapping import from_rows, to_columns
from hufu_registry.kernel.policy import P, Policy, Setting, changed
from hufu_registry.kernel.store import Moment, metadata
from hufu_registry.policy.model import SettingValue

log = structlog.get_logger("hufu_registry")

settings = sa.Table(
    "settings",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("agency_id", sa.BigInteger, sa.ForeignKey("agencies.id")),
    sa.Column("value", sa.Text),
    sa.Column("valid_from", Moment, nullable=False),
    sa.Column("changed_by", sa.Uuid, sa.ForeignKey("accounts.id")),
    sa.Column("changed_at", Moment, nullable=False),
    sa.Index("ix_settings_key", "key", "agency_id", "valid_from", "id"),
    sa.Index("ix_settings_agency_id", "agency_id", postgresql_where=sa.text("agency_id IS NOT NULL")),
)
NEWEST_FIRST = (settings.c.valid_from.desc(), settings.c.id.desc())


def _in_force(of_whom: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Of each setting and agency the value that counts at `now`, where it is one."""
    newest = (
        sa.select(settings.c.key, settings.c.agency_id, settings.c.value)
        .ext(distinct_on(settings.c.key, settings.c.agency_id))
        .where(settings.c.valid_from <= sa.bindparam("now", type_=Moment), of_whom)
        .order_by(settings.c.key, settings.c.agency_id, *NEWEST_FIRST)
        .subquery()
    )
    return sa.select(newest).where(newest.c.value.is_not(None))


# Made once: nearly every transaction asks, and making them takes longer than PostgreSQL's answer.
OF_EVERYBODY = _in_force(settings.c.agency_id.is_(None))
OF_AGENCIES = _in_force(settings.c.agency_id == sa.func.any(sa.bindparam("path", type_=sa.ARRAY(sa.BigInteger))))


class SqlSettings:
    def __init__(
        self, connection: sa.Connection, declared: Mapping[str, Setting], standing: Policy, now: datetime
    ) -> None:
        self._connection = connection
        self._standing = standing
        self._now = now
        self.declared = declared

    def in_force(self, at: datetime | None = None) -> Policy:
        """The process's policy with everybody's values."""
        rows = self._connection.execute(OF_EVERYBODY, {"now": at or self._now})
        declared = self.declared.values()
        return changed(self._standing, declared, readable(declared, ((row.key, row.value) for row in rows)))

    def in_force_at(self, policy: P, path: Sequence[AgencyId]) -> P:
        """Everybody's policy with the values of the agencies on the path, from the top; a lower one wins."""
        of_agencies = [setting for setting in self.declared.values() if setting.per_agency]
        given = self._connection.execute(OF_AGENCIES, {"now": self._now, "path": list(path)})
        rows = sorted(given, key=lambda row: path.index(row.agency_id))
        return changed(policy, of_agencies, readable(of_agencies, ((row.key, row.value) for row in rows)))

    def lock(self, key: str) -> None:
        """Of two who change the same setting at once, one waits."""
        number = sa.func.hashtextextended(f"setting:{key}", 0)
        self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))

    def given_at(self, key: str, agency_id: AgencyId | None, moment: datetime) -> str | None:
        """The value that was given for just these and counts at the moment."""
        query = (
            sa.select(settings.c.value)
            .where(settings.c.key == key, _of(agency_id), settings.c.valid_from <= moment)
            .order_by(*NEWEST_FIRST)
            .limit(1)
        )
        value: str | None = self._connection.execute(query).scalar_one_or_none()
        return value

    def newest_at_once(self, key: str, agency_id: AgencyId | None) -> datetime | None:
        """When the last change that was to count at once was made."""
        at_once = settings.c.valid_from == settings.c.changed_at
        query = sa.select(sa.func.max(settings.c.valid_from)).where(settings.c.key == key, _of(agency_id), at_once)
        moment: datetime | None = self._connection.execute(query).scalar_one()
        return moment

    def add(self, value: SettingValue) -> None:
        self._connection.execute(sa.insert(settings).values(to_columns(value)))

    def policies_from(self, moment: datetime, keys: Collection[str]) -> Sequence[Policy]:
        later = sa.select(settings.c.valid_from).where(
            settings.c.key.in_(keys), settings.c.agency_id.is_(None), settings.c.valid_from > moment
        )
        begin = sorted({moment, *self._connection.execute(later).scalars()})
        return [self.in_force(at) for at in begin]


def readable(declared: Iterable[Setting], rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The values that their settings can read, the last of each; one that cannot be read is as if not given."""
    by_key = {setting.key: setting for setting in declared}
    return {key: value for key, value in rows if key in by_key and is_readable(by_key[key], value)}


@cache
def is_readable(setting: Setting, value: str) -> bool:
    """Whether a stored value says something to the setting; the log is told once in a process of one that does not."""
    try:
        setting.parse(value)
    except Invalid:
        log.warning("setting_unreadable", key=setting.key)
        return False
    return True


def _of(agency_id: AgencyId | None) -> sa.ColumnElement[bool]:
    return settings.c.agency_id.is_not_distinct_from(agency_id)


def given(connection: sa.Connection, now: datetime) -> Sequence[SettingValue]:
    """What counts now and what will, everybody's before the agencies', in the order of time."""
    newer = settings.alias("newer")
    is_over = sa.exists(
        sa.select(sa.literal(1)).where(
            newer.c.key == settings.c.key,
            newer.c.agency_id.is_not_distinct_from(settings.c.agency_id),
            newer.c.valid_from <= now,
            sa.tuple_(newer.c.valid_from, newer.c.id) > sa.tuple_(settings.c.valid_from, settings.c.id),
        )
    )
    query = (
        sa.select(settings)
        .where(sa.or_(settings.c.valid_from > now, sa.not_(is_over)))
        .order_by(settings.c.key, settings.c.agency_id.asc().nulls_first(), settings.c.valid_from, settings.c.id)
    )
    return from_rows(SettingValue, connection.execute(query))
