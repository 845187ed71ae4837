"""How agencies' names are joined, and what a search for them looks at."""

from __future__ import annotations

from collections.abc import Iterable

from hufu_registry.kernel.texts import Text, control_fault, dotted, folded

SEPARATOR = " › "
NAME = Text(200, missing="required")
# What Active Directory has room for: a unit is named by us, and its people bear the name whole.
UNIT_NAME = Text(64, missing="required")
SHORT_NAME = Text(20, missing="required")
MOST_SHORT_NAMES = 10
OID = Text(80, dotted)
# Cells of a list; what is longer is no name, address or number. Private characters of an address are carried whole:
# nobody but people reads it.
CELL = Text(1000, rule=control_fault)
NAMES_CELL = Text(1000)


def joined_names(above: str | None, name: str) -> str:
    return name if above is None else f"{above}{SEPARATOR}{name}"


def search_lines(name: str, others: Iterable[str]) -> str:
    """What a search looks at: the name first, then former names, OIDs and code, one folded line each."""
    lines = dict.fromkeys(" ".join(folded(text).split()) for text in (name, *others) if text)
    return "\n" + "".join(f"{line}\n" for line in lines)
