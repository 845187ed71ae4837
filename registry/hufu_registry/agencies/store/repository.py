"""The agencies' tables behind the rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from hufu_registry.agencies.model import (
    Agency,
    AgencyKind,
    FormerName,
    Key,
    Node,
    Place,
    joined_names,
    place_of,
)
from hufu_registry.agencies.model.naming import search_lines
from hufu_registry.agencies.store.queries import is_open, open_unit_of
from hufu_registry.agencies.store.tables import agencies, agency_names, at_or_below, to_agency, to_node
from hufu_registry.agencies.store.tree_writing import add_former_names, refresh_search_text, take_over
from hufu_registry.agencies.use_cases.ports import NewAgency, TreeWritten
from hufu_registry.kernel.errors import Conflict, NotFound
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import among, outbox
from hufu_registry.kernel.texts import folded


class SqlAgencies:
    """`moved` is told which agencies stand elsewhere now, with all below them."""

    def __init__(self, connection: sa.Connection, moved: set[AgencyId]) -> None:
        self._connection = connection
        self._moved = moved

    def get(self, agency_id: AgencyId) -> Agency:
        row = self._connection.execute(sa.select(agencies).where(agencies.c.id == agency_id)).one_or_none()
        if row is None:
            raise NotFound("agency")
        return to_agency(row)

    def several(self, agency_ids: Collection[AgencyId]) -> dict[AgencyId, Agency]:
        """Those of them that there are."""
        rows = self._connection.execute(sa.select(agencies).where(agencies.c.id == among(agency_ids, sa.BigInteger)))
        return {AgencyId(row.id): to_agency(row) for row in rows}

    def find_by_oid(self, oid: str) -> Agency | None:
        row = self._connection.execute(sa.select(agencies).where(agencies.c.oid == oid)).one_or_none()
        return None if row is None else to_agency(row)

    def lock(self, agency_ids: Collection[AgencyId] = (), *, changing: Collection[AgencyId] = ()) -> None:
        exclusive = frozenset(changing)
        for changes, group in groupby(sorted(exclusive.union(agency_ids)), key=exclusive.__contains__):
            rows = sa.select(agencies.c.id).where(agencies.c.id == among(list(group), sa.BigInteger))
            self._connection.execute(rows.order_by(agencies.c.id).with_for_update(read=not changes, key_share=changes))

    def lock_tree(self, *, whole: bool = False) -> None:
        mode = "EXCLUSIVE" if whole else "SHARE ROW EXCLUSIVE"
        self._connection.execute(sa.text(f"LOCK TABLE agencies IN {mode} MODE"))

    def lock_below(self, agency: Agency) -> Sequence[AgencyId]:
        query = (
            sa.select(agencies.c.id)
            .where(at_or_below(agencies.c.path, agency.path))
            .order_by(agencies.c.id)
            .with_for_update()
        )
        return [AgencyId(row.id) for row in self._connection.execute(query)]

    def at_or_below(self, agency: Agency) -> Sequence[AgencyId]:
        query = sa.select(agencies.c.id).where(at_or_below(agencies.c.path, agency.path)).order_by(agencies.c.id)
        return [AgencyId(row.id) for row in self._connection.execute(query)]

    def ancestors(self, agency_id: AgencyId) -> Sequence[Agency]:
        ids = self.get(agency_id).path.ids
        rows = self._connection.execute(
            sa.select(agencies).where(agencies.c.id.in_(ids)).order_by(sa.func.length(agencies.c.path))
        )
        return [to_agency(row) for row in rows]

    def children(self, agency_id: AgencyId) -> Sequence[Agency]:
        rows = self._connection.execute(
            sa.select(agencies).where(agencies.c.parent_id == agency_id).order_by(agencies.c.id)
        )
        return [to_agency(row) for row in rows]

    def unit_named(self, agency: Agency, name: str, on: date) -> Agency | None:
        row = self._connection.execute(
            sa.select(agencies)
            .where(open_unit_of(agency, on), agencies.c.name == name)
            .order_by(sa.func.length(agencies.c.path), agencies.c.id)
            .limit(1)
        ).one_or_none()
        return None if row is None else to_agency(row)

    def has_open_children(self, agency_id: AgencyId, on: date) -> bool:
        query = sa.select(agencies.c.id).where(agencies.c.parent_id == agency_id, is_open(agencies, on)).limit(1)
        return self._connection.execute(query).first() is not None

    def nodes(self) -> dict[AgencyId, Node]:
        rows = self._connection.execute(sa.select(agencies).order_by(agencies.c.id))
        return {AgencyId(row.id): to_node(row) for row in rows}

    def former_names(self) -> Sequence[FormerName]:
        rows = self._connection.execute(sa.select(agency_names).order_by(agency_names.c.id))
        return [FormerName(AgencyId(row.agency_id), row.name, row.oid, row.until, row.reference) for row in rows]

    def take_over(self, nodes: Mapping[Key, Node], former: Sequence[FormerName]) -> TreeWritten:
        written = take_over(self._connection, nodes, former)
        self._moved |= written.moved
        return written

    def link(self, former: Sequence[FormerName]) -> None:
        add_former_names(self._connection, former)
        refresh_search_text(self._connection, {AgencyId(int(former_name.agency)) for former_name in former})

    def add(self, new: NewAgency, parent: Agency) -> Agency:
        agency_id = AgencyId(self._connection.execute(sa.select(_next_id())).scalar_one())
        above = Place(parent.path, parent.full_name, folded(parent.full_name), parent.home_id)
        place = place_of(agency_id, new.name, AgencyKind.UNIT, above)
        try:
            with self._connection.begin_nested():
                self._connection.execute(
                    sa.insert(agencies).values(
                        id=agency_id,
                        parent_id=parent.id,
                        path=place.path.text,
                        home_id=place.home_id,
                        kind=AgencyKind.UNIT.value,
                        oid=new.oid,
                        name=new.name,
                        full_name=place.full_name,
                        search_path=place.search_path,
                        search_text=search_lines(new.name, [new.oid or ""]),
                        valid_from=new.valid_from,
                    )
                )
        except sa.exc.IntegrityError as error:
            raise Conflict("oid_taken") from error
        return self.get(agency_id)

    def rename(self, agency: Agency, name: str, until: date) -> None:
        full_name = agency.full_name.removesuffix(agency.name) + name
        self._save(agency, name=name)
        self._connection.execute(
            sa.update(agencies)
            .where(at_or_below(agencies.c.path, agency.path))
            .values(
                full_name=_reseated(agencies.c.full_name, agency.full_name, full_name),
                search_path=_reseated(agencies.c.search_path, folded(agency.full_name), folded(full_name)),
            )
        )
        add_former_names(self._connection, [FormerName(agency.id, agency.name, None, until)])
        refresh_search_text(self._connection, {agency.id})

    def move(self, agency: Agency, parent: Agency, home_id: AgencyId) -> None:
        self._save(agency, parent_id=parent.id, parent_by_hand=True)
        self._moved.add(agency.id)
        full_name = joined_names(parent.full_name, agency.name)
        path = parent.path.child(agency.id)
        self._connection.execute(
            sa.update(agencies)
            .where(at_or_below(agencies.c.path, agency.path))
            .values(
                path=_reseated(agencies.c.path, agency.path.text, path.text),
                full_name=_reseated(agencies.c.full_name, agency.full_name, full_name),
                search_path=_reseated(agencies.c.search_path, folded(agency.full_name), folded(full_name)),
                # Of all below, only units that had their home above the moved unit get another one.
                home_id=sa.case((agencies.c.home_id == agency.home_id, home_id), else_=agencies.c.home_id),
            )
        )

    def set_closed(self, agency: Agency, closed_on: date | None, *, merged_into: AgencyId | None = None) -> None:
        self._save(agency, closed_on=closed_on, merged_into=merged_into)

    def set_mail_domains(self, agency: Agency, domains: Sequence[str]) -> None:
        self._save(agency, mail_domains=list(domains))

    def set_short_names(self, agency: Agency, names: Sequence[str]) -> None:
        self._save(agency, short_names=list(names))
        refresh_search_text(self._connection, {agency.id})

    def outbox_keys(self, agency_ids: Collection[AgencyId]) -> Sequence[OutboxKey]:
        query = sa.select(outbox.c.target, outbox.c.object_id).where(
            outbox.c.kind == Kind.AGENCY.value,
            outbox.c.object_id
            == sa.func.any(sa.literal([str(agency_id) for agency_id in agency_ids], sa.ARRAY(sa.Text))),
        )
        return [OutboxKey(Target(row.target), Kind.AGENCY, row.object_id) for row in self._connection.execute(query)]

    def _save(self, agency: Agency, **values: Any) -> None:
        result = self._connection.execute(
            sa.update(agencies)
            .where(agencies.c.id == agency.id, agencies.c.version == agency.version)
            .values(**values, version=agency.version + 1, updated_at=sa.func.now())
        )
        if not result.rowcount:
            raise Conflict("changed_meanwhile")


def _next_id() -> sa.Function[int]:
    return sa.func.nextval(sa.func.pg_get_serial_sequence("agencies", "id"))


def _reseated(column: sa.Column[str], old: str, new: str) -> sa.ColumnElement[str]:
    """`column` with its beginning `old` replaced by `new`."""
    return sa.literal(new, sa.Text).concat(sa.func.substr(column, len(old) + 1))
