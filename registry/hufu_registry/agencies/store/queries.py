"""Lists of agencies for pages: search, browsing, former names."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from hufu_registry.agencies.model import HOMES, Agency, AgencyKind, Path
from hufu_registry.agencies.model.naming import SEPARATOR
from hufu_registry.agencies.store.tables import agencies, agency_names, below
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.mapping import from_columns
from hufu_registry.kernel.paging import Page, Paged, Sort
from hufu_registry.kernel.store import ordered, page_of
from hufu_registry.kernel.texts import MOST_ABBREVIATED, folded, is_abbreviation, words_of

home = agencies.alias("home")

# What may stand between two letters of an abbreviation: nothing of another name.
ANYTHING = f"[^\n{SEPARATOR.strip()}]*"
# So few are no answer yet to what may be an abbreviation.
FEW = 20
# So many are offered where nothing is called so, and so many letters it takes to tell what is near.
NEAREST, FEWEST_LETTERS = 5, 2


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


def holds_in_order(column: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
    """Whether the letters of `word`, which are nothing but letters, stand in one name in that order."""
    # The first is quick and asks the whole text; the second, of the few that are left, each name by itself.
    return sa.and_(column.like(f"%{'%'.join(word)}%"), column.regexp_match(ANYTHING.join(word)))


def search(
    connection: sa.Connection,
    words: str,
    page: Page,
    *,
    on: date,
    applicants: bool = False,
    within: sa.ColumnElement[bool] | None = None,
) -> Paged[AgencyHit]:
    """Agencies whose names, former names, code or OID hold a word, and whose full name holds the others; if that are
    few, also those of whose names a word is an abbreviation. If there are none, the rows are those with the nearest
    names, and the total is 0.

    The nearest match comes first: the very name, the very code or OID, an abbreviation of the whole name, a name that
    begins so, shorter names, higher places. No word finds nothing. `applicants` leaves out what nobody can belong to,
    `within` whatever it is not true of.
    """
    wanted = words_of(words)
    if not wanted:
        return Paged([], 0, page)
    among = [takes_people(on)] if applicants else []
    among += [] if within is None else [within]
    rows = _found(connection, wanted, page, among, on, abbreviated=frozenset())
    abbreviated = frozenset(filter(is_abbreviation, wanted))
    if abbreviated and (not rows or rows[0].total < FEW):
        rows = _found(connection, wanted, page, among, on, abbreviated=abbreviated)
    if not rows and page.number == 1:
        return Paged([_hit(row, None) for row in _nearest(connection, wanted, among, on)], 0, page)
    former = _former_that_match(connection, rows, wanted)
    return Paged([_hit(row, former.get(row.id)) for row in rows], rows[0].total if rows else 0, page)


def _found(
    connection: sa.Connection,
    wanted: Sequence[str],
    page: Page,
    among: Sequence[sa.ColumnElement[bool]],
    on: date,
    *,
    abbreviated: Collection[str],
) -> Sequence[Any]:
    """A page of what holds the words; of the `abbreviated` ones it is enough to stand in order."""
    text, path = agencies.c.search_text, agencies.c.search_path

    def says(column: sa.ColumnElement[str], word: str) -> sa.ColumnElement[bool]:
        literal = holds(column, word)
        return sa.or_(literal, holds_in_order(column, word)) if word in abbreviated else literal

    hits = (
        sa.select(
            agencies.c.id,
            _rank(wanted, abbreviated).label("rank"),
            sa.func.length(agencies.c.name).label("letters"),
            sa.func.length(agencies.c.full_name).label("way"),
        )
        .where(
            *(sa.or_(says(text, word), says(path, word)) for word in wanted),
            sa.or_(*(says(text, word) for word in wanted)),
            *among,
        )
        .cte("found")
        .prefix_with("MATERIALIZED")
    )
    shown = (
        # Counted to the end: all that is found has to be ranked before the first page is known.
        sa.select(hits, sa.func.count().over().label("total"))
        .order_by(hits.c.rank, hits.c.letters, hits.c.way, hits.c.id)
        .limit(page.size)
        .offset(page.offset)
        .subquery("shown")
    )
    return _told(connection, shown, on, shown.c.rank, shown.c.letters, shown.c.way, shown.c.id)


def _rank(wanted: Sequence[str], abbreviated: Collection[str]) -> sa.ColumnElement[int]:
    text = agencies.c.search_text
    tries = dict.fromkeys((" ".join(wanted), *wanted))
    ranks: list[list[sa.ColumnElement[bool]]] = [
        [sa.func.starts_with(text, f"\n{word}\n") for word in tries],
        [holds(text, f"\n{word}\n") for word in tries],
        [text.regexp_match(f"^\n{ANYTHING.join(word)}\n") for word in abbreviated],
        [sa.func.starts_with(text, f"\n{word}") for word in tries],
        [text.regexp_match(f"^\n{ANYTHING}{ANYTHING.join(word)}\n") for word in abbreviated],
    ]
    fits = {rank: sa.or_(*each) for rank, each in enumerate(ranks) if each}
    return sa.case(*((fit, rank) for rank, fit in fits.items()), else_=len(ranks))


def _nearest(
    connection: sa.Connection, wanted: Sequence[str], among: Sequence[sa.ColumnElement[bool]], on: date
) -> Sequence[Any]:
    """Those few whose names hold more than half the letters; the more, and the more side by side, the nearer."""
    typed = "".join(filter(str.isalpha, "".join(wanted)))[:MOST_ABBREVIATED]
    letters, pairs = dict.fromkeys(typed), dict.fromkeys(map("".join, pairwise(typed)))
    if len(letters) < FEWEST_LETTERS:
        return ()
    name = sa.func.split_part(agencies.c.search_text, "\n", 2)
    held = sum((sa.cast(holds(name, letter), sa.Integer) for letter in letters), sa.literal(0))
    beside = sum((sa.cast(holds(name, pair), sa.Integer) for pair in pairs), sa.literal(0))
    scored = (
        sa.select(agencies.c.id, held.label("held"), beside.label("beside"), sa.func.length(name).label("letters"))
        .where(*among)
        .cte("scored")
        .prefix_with("MATERIALIZED")
    )
    order = ((scored.c.held + scored.c.beside).desc(), scored.c.letters, scored.c.id)
    near = sa.select(scored).where(scored.c.held * 2 > len(letters)).order_by(*order).limit(NEAREST).subquery("near")
    return _told(connection, near, on, (near.c.held + near.c.beside).desc(), near.c.letters, near.c.id)


def _told(connection: sa.Connection, of: sa.Subquery, on: date, *order: sa.ColumnElement[Any]) -> Sequence[Any]:
    """What is shown of them, beside the columns of the query that chose them."""
    chosen = [column for column in of.c if column.key == "total"]
    query = (
        sa.select(agencies, home.c.name.label("home_name"), takes_people(on).label("selectable"), *chosen)
        .select_from(of.join(agencies, agencies.c.id == of.c.id).join(home, home.c.id == agencies.c.home_id))
        .order_by(*order)
    )
    return connection.execute(query).all()


def _hit(row: Any, former: str | None) -> AgencyHit:
    return from_columns(AgencyHit, {**row._asdict(), "former_name": former})


def _former_that_match(connection: sa.Connection, rows: Sequence[Any], words: Sequence[str]) -> dict[int, str]:
    """For each agency found by a former name or OID alone, that name or OID."""
    unexplained: dict[int, list[str]] = {}
    for row in rows:
        current = "\n".join(folded(text) for text in (row.full_name, row.oid or "", row.agency_code or ""))
        if missing := [word for word in words if not _says(current, word)]:
            unexplained[row.id] = missing
    if not unexplained:
        return {}
    query = sa.select(agency_names).where(agency_names.c.agency_id.in_(unexplained)).order_by(agency_names.c.id)
    names_by_agency: dict[int, str] = {}
    for former in connection.execute(query):
        for text in (former.name, former.oid):
            if text and any(_says(folded(text), word) for word in unexplained[former.agency_id]):
                names_by_agency.setdefault(former.agency_id, text)
    return names_by_agency


def _says(text: str, word: str) -> bool:
    return word in text or (is_abbreviation(word) and re.search(ANYTHING.join(word), text) is not None)


def children(
    connection: sa.Connection, parent: AgencyId | None, page: Page, *, on: date, sort: Sort | None = None
) -> Paged[TreeRow]:
    """What stands open right below `parent` (None: the top), in the order of the OIDs unless sorted."""
    of_parent = agencies.c.parent_id.is_(None) if parent is None else agencies.c.parent_id == parent
    return places(connection, of_parent, page, on=on, sort=sort)


def places(
    connection: sa.Connection, which: sa.ColumnElement[bool], page: Page, *, on: date, sort: Sort | None = None
) -> Paged[TreeRow]:
    """The open agencies and units that are like that, in the order of the OIDs unless sorted."""
    child = agencies.alias("child")
    count = (
        sa.select(sa.func.count())
        .where(child.c.parent_id == agencies.c.id, is_open(child, on))
        .correlate(agencies)
        .scalar_subquery()
    )
    by_oid = agencies.c.oid.collate("C")
    by = {
        "name": agencies.c.name,
        "kind": agencies.c.kind,
        "oid": by_oid,
        "code": agencies.c.agency_code,
        "below": count,
    }
    conditions = [which, is_open(agencies, on)]
    rows = (
        sa.select(agencies, count.label("children"), takes_people(on).label("selectable"))
        .where(*conditions)
        .order_by(*ordered(sort, by, (sa.nulls_last(by_oid), agencies.c.id)))
    )
    return page_of(connection, TreeRow, rows, page, all_of=sa.select(agencies.c.id).where(*conditions))


def unit_names(connection: sa.Connection, agency: Agency, *, on: date) -> Sequence[str]:
    """What the open units of an agency are called, all of them: people choose among them."""
    query = sa.select(agencies.c.name).where(open_unit_of(agency, on)).order_by(agencies.c.path)
    return list(dict.fromkeys(connection.execute(query).scalars()))


def open_unit_of(agency: Agency, on: date) -> sa.ColumnElement[bool]:
    """However deep it stands. The path is asked too: of it there is an index, of `home_id` there is none."""
    of_it = sa.and_(agencies.c.home_id == agency.id, agencies.c.kind == AgencyKind.UNIT.value)
    return sa.and_(below(agencies.c.path, agency.path), of_it, is_open(agencies, on))


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
