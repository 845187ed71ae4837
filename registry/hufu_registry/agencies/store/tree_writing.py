"""Writing whole trees: what differs, in bulk, derived columns included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from hufu_registry.agencies.model import FormerName, Key, Node, Path, Place, derive
from hufu_registry.agencies.model.naming import search_lines
from hufu_registry.agencies.model.short_names import USUAL
from hufu_registry.agencies.store.tables import agencies, agency_names
from hufu_registry.agencies.use_cases.ports import TreeWritten
from hufu_registry.kernel.ids import AgencyId

Values = dict[str, Any]
WORTH_COUNTING = 1_000


def take_over(connection: sa.Connection, nodes: Mapping[Key, Node], former: Sequence[FormerName]) -> TreeWritten:
    """Make the table say what `nodes` and `former` say. Raises IllegalMove("tree_cycle")."""
    ids = _ids_for(connection, nodes)
    add_former_names(connection, former, ids)
    places = derive({ids[key]: (_id(ids, node.parent), node.name, node.kind) for key, node in nodes.items()})
    others = _other_texts(connection)
    stored = {row["id"]: row for row in connection.execute(sa.select(agencies)).mappings()}
    additions: list[Values] = []
    changes: list[Values] = []
    for key, node in nodes.items():
        agency_id = ids[key]
        old = stored.get(agency_id)
        usual = USUAL.get(node.name, ()) if old is None else ()
        values = _values(node, _id(ids, node.parent), places[agency_id], (*others.get(agency_id, ()), *usual))
        if old is None:
            additions.append({"id": agency_id, "source": "list", "short_names": list(usual), **values})
        elif any(old[column] != value for column, value in values.items()):
            changes.append({"the_id": agency_id, **values})
    _write(connection, stored, additions, changes)
    moved = frozenset(AgencyId(row["the_id"]) for row in changes if stored[row["the_id"]]["path"] != row["path"])
    left = {above for agency_id in moved for above in Path(stored[agency_id]["path"]).ids} - moved
    return TreeWritten(ids, frozenset(AgencyId(row["the_id"]) for row in changes), moved, frozenset(left))


def _write(
    connection: sa.Connection, stored: Mapping[int, Any], additions: Sequence[Values], changes: Sequence[Values]
) -> None:
    # An OID that goes from one agency to another must be free before its new owner is written.
    freed = [row["the_id"] for row in changes if stored[row["the_id"]]["oid"] not in {None, row["oid"]}]
    if freed:
        connection.execute(sa.update(agencies).where(agencies.c.id.in_(freed)).values(oid=None))
    if additions:
        additions = sorted(additions, key=lambda row: len(row["path"].split(".")))
        connection.execute(sa.insert(agencies), additions)
    if len(additions) > WORTH_COUNTING:
        # Until PostgreSQL counts by itself, its plans would take the table for empty.
        connection.execute(sa.text("ANALYZE agencies"))
    if changes:
        columns = [column for column in changes[0] if column != "the_id"]
        connection.execute(
            sa.update(agencies)
            .where(agencies.c.id == sa.bindparam("the_id"))
            .values(
                {column: sa.bindparam(column) for column in columns}
                | {"version": agencies.c.version + 1, "updated_at": sa.func.now()}
            ),
            sorted(changes, key=lambda row: int(row["the_id"])),
        )


def _ids_for(connection: sa.Connection, nodes: Mapping[Key, Node]) -> dict[Key, AgencyId]:
    new = [key for key in nodes if isinstance(key, str)]
    sequence = sa.func.nextval(sa.func.pg_get_serial_sequence("agencies", "id"))
    rows = connection.execute(sa.select(sequence).select_from(sa.func.generate_series(1, len(new)))) if new else ()
    ids: dict[Key, AgencyId] = {key: AgencyId(key) for key in nodes if isinstance(key, int)}
    return ids | {key: AgencyId(row[0]) for key, row in zip(new, rows, strict=True)}


def _id(ids: Mapping[Key, AgencyId], key: Key | None) -> AgencyId | None:
    return None if key is None else ids[key]


def _values(node: Node, parent_id: AgencyId | None, place: Place, others: Iterable[str]) -> Values:
    return {
        "parent_id": parent_id,
        "path": place.path.text,
        "home_id": place.home_id,
        "kind": node.kind.value,
        "oid": node.oid,
        "agency_code": node.agency_code,
        "name": node.name,
        "full_name": place.full_name,
        "search_text": search_lines(node.name, (*others, node.oid or "", node.agency_code or "")),
        "search_path": place.search_path,
        "telephone": node.telephone,
        "address": node.address,
        "dn": node.dn,
        "listed_name": node.listed_name,
        "closed_on": node.closed_on,
    }


def _other_texts(connection: sa.Connection, only: Collection[AgencyId] | None = None) -> dict[AgencyId, list[str]]:
    query = sa.select(agency_names).order_by(agency_names.c.id)
    if only is not None:
        query = query.where(agency_names.c.agency_id.in_(only))
    texts: dict[AgencyId, list[str]] = defaultdict(list)
    for row in connection.execute(query):
        texts[row.agency_id] += [text for text in (row.name, row.oid) if text]
    short = sa.select(agencies.c.id, agencies.c.short_names).where(sa.func.cardinality(agencies.c.short_names) > 0)
    if only is not None:
        short = short.where(agencies.c.id.in_(only))
    for row in connection.execute(short):
        texts[row.id] += row.short_names
    return texts


def add_former_names(
    connection: sa.Connection, former: Sequence[FormerName], ids: Mapping[Key, AgencyId] | None = None
) -> None:
    if not former:
        return
    rows = [
        {
            "agency_id": former_name.agency if ids is None else ids[former_name.agency],
            "name": former_name.name,
            "oid": former_name.oid,
            "until": former_name.until,
            "reference": former_name.reference,
        }
        for former_name in former
    ]
    connection.execute(insert(agency_names).on_conflict_do_nothing(), rows)


def refresh_search_text(connection: sa.Connection, agency_ids: Collection[AgencyId]) -> None:
    """What search looks at, after names or OIDs of these changed."""
    others = _other_texts(connection, agency_ids)
    query = sa.select(agencies.c.id, agencies.c.name, agencies.c.oid, agencies.c.agency_code)
    for row in connection.execute(query.where(agencies.c.id.in_(agency_ids))).all():
        text = search_lines(row.name, (*others.get(row.id, ()), row.oid or "", row.agency_code or ""))
        connection.execute(sa.update(agencies).where(agencies.c.id == row.id).values(search_text=text))
