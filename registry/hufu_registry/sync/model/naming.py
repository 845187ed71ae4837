"""Names in the forms a directory can hold: cut to length, without control characters, the same every time."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

OU_LENGTH = 64
# The longest values of Active Directory's schema (rangeUpper), counted in UTF-16 units as it does.
LONGEST = {
    "displayName": 256,
    "sn": 64,
    "givenName": 64,
    "title": 128,
    "department": 64,
    "company": 64,
    "telephoneNumber": 64,
    "mail": 256,
    "description": 1024,
    "businessCategory": 128,
}
ELLIPSIS = "…"


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def cut(text: str, longest: int) -> str:
    """The text, or its beginning with an ellipsis; no character is ever split."""
    if units(text) <= longest:
        return text
    kept = ""
    for character in text:
        if units(kept) + units(character) + 1 > longest:
            break
        kept += character
    return kept.rstrip() + ELLIPSIS


def printable(text: str) -> str:
    return " ".join("".join(c for c in text if unicodedata.category(c)[0] != "C" or c == " ").split())


def value(attribute: str, text: str) -> str:
    """What `attribute` can hold of `text`."""
    return cut(printable(text), LONGEST.get(attribute, 1024))


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another agency under the same parent; the one with the lower id keeps the plain name."""

    id: int
    name: str


def folded(name: str) -> str:
    """How a directory compares names, or stricter."""
    return unicodedata.normalize("NFKC", name).casefold()


def ou_name(agency_id: int, name: str, distinction: str, siblings: Sequence[Sibling]) -> str:
    """A readable OU name; where an older sibling has the same one, with the agency's own number behind it."""
    plain = cut(printable(name), OU_LENGTH) or distinction
    taken = {folded(cut(printable(sibling.name), OU_LENGTH)) for sibling in siblings if sibling.id < agency_id}
    if folded(plain) not in taken:
        return plain
    suffix = f" ({distinction})"
    return cut(plain, OU_LENGTH - units(suffix)) + suffix
