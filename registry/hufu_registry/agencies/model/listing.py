"""The government's open list of agencies, and the list of agency codes, read line by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hufu_registry.agencies.model.naming import CELL, NAME, NAMES_CELL, OID
from hufu_registry.agencies.model.tree import AGENCY_CODE_SHAPE, OID_SHAPE, ROOT_ARCS
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.texts import PASTED, Text, code

OLD_COLUMNS = {"機關名稱": "name", "OID": "oid", "電話": "telephone", "地址": "address", "DN": "dn"}
NEW_COLUMNS = {
    "OrgName": "name",
    "OID": "oid",
    "TEL": "telephone",
    "Address": "address",
    "DN": "dn",
    "OrgCode": "agency_code",
}


CODE = Text(PASTED, code)
# The DN names what stands above and may be in no line.
KINDS = {"oid": OID, "agency_code": CODE, "name": NAMES_CELL, "dn": NAMES_CELL}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line that was left out: `reason` is a code, `detail` the part of the line it is about."""

    line: int
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ListedRow:
    line: int
    name: str
    oid: str
    telephone: str = ""
    address: str = ""
    dn: str = ""
    agency_code: str = ""

    @property
    def arcs(self) -> tuple[str, ...]:
        """The arcs below 2.16.886.101 or 2.16.886.111."""
        return tuple(self.oid.split(".")[4:])

    @property
    def prefixes(self) -> tuple[str, ...]:
        """The OIDs of all that stands above, from the top."""
        root, arcs = ".".join(self.oid.split(".")[:4]), self.arcs
        return tuple(".".join((root, *arcs[:depth])) for depth in range(1, len(arcs)))

    @property
    def steps(self) -> tuple[tuple[str, str], ...] | None:
        """The DN as (attribute, value) from the top, or None where it does not go with the OID."""
        steps = dn_steps(self.dn)
        return steps if steps is not None and len(steps) == len(self.arcs) else None


@dataclass(frozen=True, slots=True)
class Listing:
    """`spoken_for` are OIDs that only rejected lines hold: these agencies are not gone.

    `remarks` are about lines that were taken, but for a part of them.
    """

    rows: tuple[ListedRow, ...]
    rejected: tuple[Rejected, ...] = ()
    spoken_for: frozenset[str] = frozenset()
    remarks: tuple[Rejected, ...] = ()


def dn_steps(dn: str) -> tuple[tuple[str, str], ...] | None:
    """("l", "臺中市"), ("o", "市政府"), … of "o=市政府,l=臺中市,c=TW"; None when it is no such DN."""
    parts: list[str] = [""]
    escaped = False
    for character in dn:
        if character == "," and not escaped:
            parts.append("")
        elif character == "\\" and not escaped:
            escaped = True
            continue
        else:
            parts[-1] += character
        escaped = False
    pairs = [
        (attribute.strip().lower(), CELL.clean(value)) for attribute, _, value in (p.partition("=") for p in parts)
    ]
    if len(pairs) < 2 or pairs[-1] != ("c", "TW") or not all(value for _, value in pairs):
        return None
    return tuple(reversed(pairs[:-1]))


def decoded(data: bytes) -> str:
    """Text of a UTF-8 file, with or without a byte order mark. Raises Invalid("file_not_utf8")."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Invalid("file_not_utf8", line=line) from error


def records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(number of its first line, cells) of each record. Raises Invalid("file_quotes") where quotes do not close."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Invalid("file_quotes", line=line, detail=str(error)) from error
        if any(cell.strip() for cell in cells):
            yield line, cells


def columns_of(header: Sequence[str], *styles: Mapping[str, str]) -> dict[str, int]:
    """Which cell holds what. Raises Invalid("file_columns") naming what is missing from the nearest style."""
    names = [CELL.clean(cell) for cell in header]
    nearest = max(styles, key=lambda style: sum(column in names for column in style))
    missing = [column for column in nearest if column not in names]
    if missing:
        raise Invalid("file_columns", missing=", ".join(missing))
    return {ours: names.index(column) for column, ours in nearest.items()}


@dataclass(slots=True)
class _Reading:
    rows: list[ListedRow] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    remarks: list[Rejected] = field(default_factory=list)
    line_of: dict[str, int] = field(default_factory=dict)
    oids: set[str] = field(default_factory=set)

    def take(self, line: int, values: Mapping[str, str]) -> None:
        oid, name = values["oid"], values["name"]
        self.oids.add(oid)
        if fault := self._fault(oid, name, values):
            self.rejected.append(Rejected(line, *fault))
            return
        self.line_of[oid] = line
        code = values.get("agency_code", "")
        if code and not AGENCY_CODE_SHAPE.match(code):
            self.remarks.append(Rejected(line, "agency_code_malformed", code))
            code = ""
        self.rows.append(ListedRow(line, name, oid, values["telephone"], values["address"], values["dn"], code))

    def _fault(self, oid: str, name: str, values: Mapping[str, str]) -> tuple[str, str] | None:
        if unreadable := unreadable_in(values, KINDS):
            return unreadable, ""
        if not oid:
            return "oid_missing", ""
        if not oid.startswith(tuple(f"{arc}." for arc in ROOT_ARCS)):
            return "oid_outside_known_arcs", oid
        if not OID_SHAPE.match(oid):
            return "oid_malformed", oid
        if oid in self.line_of:
            return "oid_duplicate", f"{oid}, line {self.line_of[oid]}"
        if not name:
            return "name_missing", oid
        if len(name) > NAME.longest:
            return "name_too_long", oid
        return None


def unreadable_in(values: Mapping[str, str], kinds: Mapping[str, Text]) -> str | None:
    """The code of what is wrong with a cell whatever it should say."""
    return next((fault for name, value in values.items() if (fault := kinds.get(name, CELL).fault(value))), None)


def read_list(data: bytes) -> Listing:
    """The rows of a list in the old or the new style of columns; a bad line never stops the others.

    Raises Invalid for a file that is no such list: file_not_utf8, file_empty, file_columns, file_quotes.
    """
    lines = records(decoded(data))
    first = next(lines, None)
    if first is None:
        raise Invalid("file_empty")
    columns = columns_of(first[1], OLD_COLUMNS, NEW_COLUMNS)
    reading = _Reading()
    for line, cells in lines:
        if len(cells) != len(first[1]):
            reading.rejected.append(Rejected(line, "number_of_cells", f"{len(cells)} ≠ {len(first[1])}"))
            reading.oids.update(OID.clean(cell) for cell in cells)
            continue
        reading.take(line, {ours: KINDS.get(ours, CELL).clean(cells[position]) for ours, position in columns.items()})
    return Listing(
        rows=tuple(reading.rows),
        rejected=tuple(reading.rejected),
        spoken_for=frozenset(reading.oids - reading.line_of.keys()),
        remarks=tuple(reading.remarks),
    )


def read_codes(data: bytes) -> tuple[dict[str, str], tuple[Rejected, ...]]:
    """Agency codes by full name from lines of "code,name"; a name with two codes has none.

    Raises Invalid as `read_list` does.
    """
    codes: dict[str, str] = {}
    rejected: list[Rejected] = []
    twice: dict[str, int] = {}
    for line, cells in records(decoded(data)):
        code, name = (CODE.clean(cells[0]), CELL.clean(cells[1])) if len(cells) == 2 else ("", "")
        if not name or not AGENCY_CODE_SHAPE.match(code):
            rejected.append(Rejected(line, "code_line_malformed", ",".join(cells)[:80]))
        elif codes.setdefault(name, code) != code:
            twice[name] = line
    for name, line in twice.items():
        rejected.append(Rejected(line, "name_has_two_codes", name))
        del codes[name]
    return codes, tuple(rejected)
