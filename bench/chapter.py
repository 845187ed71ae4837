"""What a chapter of docs/performance.md is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a picture: one bar for each series."""

    label: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    title: str
    unit: str
    rows: tuple[Row, ...]
    series: tuple[str, ...] = ("",)


@dataclass(frozen=True, slots=True)
class Chapter:
    """`headline` names the figures of the table on top; `meanings` explains every one, in the table's order.

    `made_by` is the command that measures it, where that is not `make bench`.
    """

    title: str
    text: str
    yardstick: str
    headline: tuple[str, ...]
    chart: Chart
    meanings: Mapping[str, str]
    made_by: str = ""
