"""Lists of agencies for pages: search, browsing, former names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from hufu_registry.agencies.model import HOMES, Agency, AgencyKind, Path
from hufu_registry.agencies.store.tables import agencies, agency_names, below
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.paging import Page, Paged
from hufu_registry.kernel.store import counted
from hufu_registry.kernel.texts import folded, words_of

home = agencies.alias("home")


@dataclass(frozen=True, slots=True)
class AgencyHit:
    """One result of a search. `former_name` is the old name or OID that matched, where the current ones did not.

    `selectable`: it is open and people can belong to it. `home` is where they then belong.
    """

    id: AgencyId
    name: str
    full_name: str
    kind: AgencyKind
    oid: str | None
    agency_code: str | None
    home_id: AgencyId
    home_name: str
    selectable: bool
    closed_on: date | None
    former_name: str | None = None


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One agency of a tree being browsed, and how many open ones stand right below it."""

    id: AgencyId
    name: str
    full_name: str
    kind: AgencyKind
    oid: str | None
    agency_code: str | None
    home_id: AgencyId
    closed_on: date | None
    selectable: bool
    children: int


@dataclass(frozen=True, slots=True)
class Former:
    """What an agency was called, and the OID it had, until a day (unknown: None)."""

    name: str | None
    oid: str | None
    until: date | None
    reference: str


def is_open(table: sa.FromClause, on: date) -> sa.ColumnElement[bool]:
    return sa.and_(
        sa.or_(table.c.closed_on.is_(None), table.c.closed_on > on),
        sa.or_(table.c.valid_from.is_(None), table.c.valid_from <= on),
    )


def takes_people(on: date) -> sa.ColumnElement[bool]:
    """An open agency, school or unit; the other places only hold the tree together.

    An open unit stands below an open agency or school: nothing else may have units, and none with open units ends.
    """
    kinds = [kind.value for kind in (*sorted(HOMES), AgencyKind.UNIT)]
    return sa.and_(agencies.c.kind.in_(kinds), is_open(agencies, on))


def holds(column: sa.ColumnElement[str], text: str) -> sa.ColumnElement[bool]:
    """Whether `column` contains `text`; strpos knows no wildcards, so nothing needs escaping."""
    return sa.func.strpos(column, text) > 0


def search(
    connection: sa.Connection, words: str, page: Page, *, on: date, applicants: bool = False
) -> Paged[AgencyHit]:
    """Agencies whose names, former names, code or OID hold a word, and whose full name holds the others.

    The nearest match comes first: the very name, the very code or OID, a name that begins so, shorter names,
    higher places. No word finds nothing. `applicants` leaves out what nobody can belong to.
    """
    wanted = words_of(words)
    if not wanted:
        return Paged([], 0, page)
    text = agencies.c.search_text
    tries = dict.fromkeys((" ".join(wanted), *wanted))
    rank = sa.case(
        (sa.or_(*(sa.func.starts_with(text, f"\n{word}\n") for word in tries)), 0),
        (sa.or_(*(holds(text, f"\n{word}\n") for word in tries)), 1),
        (sa.or_(*(sa.func.starts_with(text, f"\n{word}") for word in tries)), 2),
        else_=3,
    )
    hits = (
        sa.select(
            agencies.c.id,
            rank.label("rank"),
            sa.func.length(agencies.c.name).label("letters"),
            sa.func.length(agencies.c.full_name).label("way"),
        )
        .where(
            *(sa.or_(holds(text, word), holds(agencies.c.search_path, word)) for word in wanted),
            sa.or_(*(holds(text, word) for word in wanted)),
            *([takes_people(on)] if applicants else []),
        )
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    order = (hits.c.rank, hits.c.letters, hits.c.way, hits.c.id)
    shown = (
        # Counted to the end: all that is found has to be ranked before the first page is known.
        sa.select(hits, sa.func.count().over().label("total"))
        .order_by(*order)
        .limit(page.size)
        .offset(page.offset)
        .subquery("shown")
    )
    query = (
        sa.select(agencies, home.c.name.label("home_name"), takes_people(on).label("selectable"), shown.c.total)
        .select_from(shown.join(agencies, agencies.c.id == shown.c.id).join(home, home.c.id == agencies.c.home_id))
        .order_by(shown.c.rank, shown.c.letters, shown.c.way, shown.c.id)
    )
    rows = connection.execute(query).all()
    former = _former_that_match(connection, rows, wanted)
    return Paged([_hit(row, former.get(row.id)) for row in rows], rows[0].total if rows else 0, page)


def _hit(row: Any, former: str | None) -> AgencyHit:
    return AgencyHit(
        id=AgencyId(row.id),
        name=row.name,
        full_name=row.full_name,
        kind=AgencyKind(row.kind),
        oid=row.oid,
        agency_code=row.agency_code,
        home_id=AgencyId(row.home_id),
        home_name=row.home_name,
        selectable=row.selectable,
        closed_on=row.closed_on,
        former_name=former,
    )


def _former_that_match(connection: sa.Connection, rows: Sequence[Any], words: Sequence[str]) -> dict[int, str]:
    """For each agency found by a former name or OID alone, that name or OID."""
    unexplained: dict[int, list[str]] = {}
    for row in rows:
        current = "\n".join(folded(text) for text in (row.full_name, row.oid or "", row.agency_code or ""))
        if missing := [word for word in words if word not in current]:
            unexplained[row.id] = missing
    if not unexplained:
        return {}
    query = sa.select(agency_names).where(agency_names.c.agency_id.in_(unexplained)).order_by(agency_names.c.id)
    names_by_agency: dict[int, str] = {}
    for former in connection.execute(query):
        for text in (former.name, former.oid):
            if text and any(word in folded(text) for word in unexplained[former.agency_id]):
                names_by_agency.setdefault(former.agency_id, text)
    return names_by_agency


def children(
    connection: sa.Connection, parent: AgencyId | None, page: Page, *, on: date, closed: bool = False
) -> Paged[TreeRow]:
    """What stands right below `parent` (None: the top), in the order of the OIDs; open ones unless `closed`."""
    child = agencies.alias("child")
    count = (
        sa.select(sa.func.count())
        .where(child.c.parent_id == agencies.c.id, is_open(child, on))
        .correlate(agencies)
        .scalar_subquery()
    )
    of_parent = agencies.c.parent_id.is_(None) if parent is None else agencies.c.parent_id == parent
    conditions = [of_parent] if closed else [of_parent, is_open(agencies, on)]
    total = counted(connection, sa.select(agencies.c.id).where(*conditions))
    query = (
        sa.select(agencies, count.label("children"), takes_people(on).label("selectable"))
        .where(*conditions)
        .order_by(sa.nulls_last(sa.collate(agencies.c.oid, "C")), agencies.c.id)
        .limit(page.size)
        .offset(page.offset)
    )
    return Paged([_tree_row(row) for row in connection.execute(query)], total, page)


def unit_names(connection: sa.Connection, agency: Agency, *, on: date) -> Sequence[str]:
    """What the open units of an agency are called, all of them: people choose among them."""
    query = sa.select(agencies.c.name).where(open_unit_of(agency, on)).order_by(agencies.c.path)
    return list(dict.fromkeys(connection.execute(query).scalars()))


def open_unit_of(agency: Agency, on: date) -> sa.ColumnElement[bool]:
    """However deep it stands. The path is asked too: of it there is an index, of `home_id` there is none."""
    of_it = sa.and_(agencies.c.home_id == agency.id, agencies.c.kind == AgencyKind.UNIT.value)
    return sa.and_(below(agencies.c.path, agency.path), of_it, is_open(agencies, on))


def _tree_row(row: Any) -> TreeRow:
    return TreeRow(
        id=AgencyId(row.id),
        name=row.name,
        full_name=row.full_name,
        kind=AgencyKind(row.kind),
        oid=row.oid,
        agency_code=row.agency_code,
        home_id=AgencyId(row.home_id),
        closed_on=row.closed_on,
        selectable=row.selectable,
        children=row.children,
    )


def count_below(connection: sa.Connection, path: Path) -> int:
    """How many agencies and units stand anywhere below `path`; counted to the end, as whoever moves them is told."""
    return connection.execute(
        sa.select(sa.func.count()).select_from(agencies).where(below(agencies.c.path, path))
    ).scalar_one()


def tree_path(connection: sa.Connection, agency_id: AgencyId) -> list[tuple[AgencyId, str]]:
    """(id, name) from the top down to the agency itself; empty where there is none."""
    path = connection.execute(sa.select(agencies.c.path).where(agencies.c.id == agency_id)).scalar_one_or_none()
    if path is None:
        return []
    ids = Path(path).ids
    rows = connection.execute(sa.select(agencies.c.id, agencies.c.name).where(agencies.c.id.in_(ids)))
    names = {row.id: row.name for row in rows}
    return [(agency_id, names[agency_id]) for agency_id in ids]


def former_names(connection: sa.Connection, agency_id: AgencyId) -> list[Former]:
    """Newest first."""
    query = (
        sa.select(agency_names)
        .where(agency_names.c.agency_id == agency_id)
        .order_by(sa.nulls_last(agency_names.c.until.desc()), agency_names.c.id.desc())
    )
    return [Former(row.name, row.oid, row.until, row.reference) for row in connection.execute(query)]
