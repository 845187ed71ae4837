"""The list of renamed and moved agencies: which side of each pair is current, which is former."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from hufu_registry.agencies.model.listing import Rejected, columns_of, decoded, records, unreadable_in
from hufu_registry.agencies.model.naming import CELL, NAME, NAMES_CELL, OID
from hufu_registry.agencies.model.tree import OID_SHAPE, FormerName, Node
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.texts import PASTED, Text, narrow

COLUMNS = {
    "old_name": "old_name",
    "new_name": "new_name",
    "old_oid": "old_oid",
    "new_oid": "new_oid",
    "change_date": "until",
    "ref": "reference",
}
KINDS = {"old_oid": OID, "new_oid": OID, "until": Text(PASTED, narrow), "old_name": NAMES_CELL, "new_name": NAMES_CELL}
DAY = re.compile(r"^([0-9]{2,4})[/-]([0-9]{1,2})[/-]([0-9]{1,2})$")
FIRST_YEAR = 1911


@dataclass(frozen=True, slots=True)
class Pair:
    """Two names and OIDs of one agency, in either order."""

    line: int
    old_name: str
    new_name: str
    old_oid: str
    new_oid: str
    until: date | None
    reference: str


@dataclass(frozen=True, slots=True)
class HistoryFile:
    pairs: tuple[Pair, ...]
    rejected: tuple[Rejected, ...] = ()

    @property
    def oids(self) -> tuple[tuple[str, str], ...]:
        return tuple((pair.old_oid, pair.new_oid) for pair in self.pairs if pair.old_oid != pair.new_oid)


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """`links` are to be written, `known` stand already; `reported` pairs are not applied."""

    links: tuple[FormerName, ...]
    known: tuple[FormerName, ...]
    reported: tuple[Rejected, ...]


def day_of(text: str) -> date | None:
    """2016/1/15, 2016-01-15 or 105/1/15; years below 1000 count from 1911. Raises ValueError."""
    if not text:
        return None
    match = DAY.match(text)
    if match is None:
        raise ValueError(text)
    year, month, day = (int(part) for part in match.groups())
    return date(year if year >= 1000 else year + FIRST_YEAR, month, day)


def read_history(data: bytes) -> HistoryFile:
    """Raises Invalid for a file that is no such list, as `read_list` does."""
    lines = records(decoded(data))
    first = next(lines, None)
    if first is None:
        raise Invalid("file_empty")
    columns = columns_of(first[1], COLUMNS)
    pairs: list[Pair] = []
    rejected: list[Rejected] = []
    for line, cells in lines:
        if len(cells) != len(first[1]):
            rejected.append(Rejected(line, "number_of_cells", f"{len(cells)} ≠ {len(first[1])}"))
            continue
        values = {ours: KINDS.get(ours, CELL).clean(cells[position]) for ours, position in columns.items()}
        pair = _pair(line, values)
        if isinstance(pair, Rejected):
            rejected.append(pair)
        else:
            pairs.append(pair)
    return HistoryFile(tuple(pairs), tuple(rejected))


def _pair(line: int, values: Mapping[str, str]) -> Pair | Rejected:
    if unreadable := unreadable_in(values, KINDS):
        return Rejected(line, unreadable)
    for oid in (values["old_oid"], values["new_oid"]):
        if not OID_SHAPE.match(oid):
            return Rejected(line, "oid_malformed", oid)
    for name in (values["old_name"], values["new_name"]):
        if not 0 < len(name) <= NAME.longest:
            return Rejected(line, "name_missing" if not name else "name_too_long")
    try:
        until = day_of(values["until"])
    except ValueError:
        return Rejected(line, "date_malformed", values["until"])
    return Pair(
        line, values["old_name"], values["new_name"], values["old_oid"], values["new_oid"], until, values["reference"]
    )


def plan_history(
    file: HistoryFile, listed: Mapping[str, Node], known: Collection[tuple[object, str | None, str | None]]
) -> HistoryPlan:
    """Link the side that is not in the list to the side that is.

    `listed` are the open agencies by OID, without places built for missing parents; `known` are the former
    (agency, name, OID) that stand already.
    """
    links: dict[tuple[object, str | None, str | None], FormerName] = {}
    old: list[FormerName] = []
    reported: list[Rejected] = []
    for pair in file.pairs:
        former = _former(pair, listed)
        if isinstance(former, Rejected):
            reported.append(former)
            continue
        key = (former.agency, former.name, former.oid)
        if key in known or key in links:
            old.append(former)
        else:
            links[key] = former
    return HistoryPlan(tuple(links.values()), tuple(old), tuple(reported))


def _former(pair: Pair, listed: Mapping[str, Node]) -> FormerName | Rejected:
    if pair.old_oid == pair.new_oid:
        return _former_name(pair, listed.get(pair.old_oid))
    old, new = listed.get(pair.old_oid), listed.get(pair.new_oid)
    if old is not None and new is not None:
        return Rejected(pair.line, "both_listed", f"{pair.old_oid} {pair.new_oid}")
    if new is not None:
        return FormerName(new.key, pair.old_name, pair.old_oid, pair.until, pair.reference)
    if old is not None:
        return FormerName(old.key, pair.new_name, pair.new_oid, pair.until, pair.reference)
    return Rejected(pair.line, "none_listed", f"{pair.old_oid} {pair.new_oid}")


def _former_name(pair: Pair, node: Node | None) -> FormerName | Rejected:
    """An agency that kept its OID: the name it bears is the current one."""
    if node is None or node.name not in {pair.old_name, pair.new_name}:
        return Rejected(pair.line, "none_listed", pair.old_oid)
    if pair.old_name == pair.new_name:
        return Rejected(pair.line, "both_listed", pair.old_oid)
    former = pair.old_name if node.name == pair.new_name else pair.new_name
    return FormerName(node.key, former, None, pair.until, pair.reference)
