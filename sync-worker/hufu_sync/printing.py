"""Tables and JSON on a terminal. A Chinese character is two columns wide."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime
from typing import Any

from hufu_registry.kernel.clock import TAIPEI

Row = Sequence[str]


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def table(heads: Row, rows: Sequence[Row]) -> Iterator[str]:
    """Lines with aligned columns, the heads first; nothing but what can be shown goes to the terminal."""
    shown = [[printable(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(width(row[column]) for row in shown) for column in range(len(heads))]
    for row in shown:
        cells = (cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def printable(text: str) -> str:
    """The text on one line: a value out of a directory may hold what would drive a terminal."""
    return "".join("�" if unicodedata.category(character)[0] == "C" else character for character in text)


def moment(instant: datetime | None) -> str:
    """In Taipei, whatever the machine's own zone is."""
    return "-" if instant is None else instant.astimezone(TAIPEI).strftime("%Y-%m-%d %H:%M:%S %z")


def as_json(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False, indent=2)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else str(value)
