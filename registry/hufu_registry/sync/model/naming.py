"""Names in the forms a directory can hold: cut to length, without control characters, the same every time."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
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
    if text.isprintable():
        return " ".join(text.split())
    # What no name may hold is refused where it is entered; what was entered is carried whole.
    return " ".join("".join(c if unicodedata.category(c) not in {"Cc", "Cs"} else " " for c in text).split())


def value(attribute: str, text: str) -> str:
    """What `attribute` can hold of `text`."""
    return cut(printable(text), LONGEST.get(attribute, 1024))


@dataclass(frozen=True, slots=True)
class Sibling:
    """An agency beside others under one parent; the one with the lowest id keeps the plain name.

    `distinction` is what tells it from others of its name: the last step of its OID.
    """

    id: int
    name: str
    distinction: str


def folded(name: str) -> str:
    """How a directory compares names, or stricter."""
    return unicodedata.normalize("NFKC", name).casefold()


def ou_names(siblings: Iterable[Sibling]) -> dict[int, str]:
    """Readable OU names that all differ, by id; each depends on the agencies with lower ids only."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    for sibling in sorted(siblings, key=lambda agency: agency.id):
        name = next(name for name in _candidates(sibling) if folded(name) not in taken)
        taken.add(folded(name))
        names[sibling.id] = name
    return names


def stand_in(sibling: Sibling) -> str:
    """What it may be called while another one still has its name: with its id, which nobody else has."""
    return _numbered(_plain(sibling), str(sibling.id))


def _candidates(sibling: Sibling) -> Iterator[str]:
    """The plain name, then with its own number behind it, then with its id."""
    plain = _plain(sibling)
    yield plain
    numbers = itertools.chain((sibling.distinction, str(sibling.id)), (f"{sibling.id}-{n}" for n in itertools.count(2)))
    for number in numbers:
        yield _numbered(plain, number)


def _plain(sibling: Sibling) -> str:
    return cut(printable(sibling.name), OU_LENGTH) or sibling.distinction


def _numbered(plain: str, number: str) -> str:
    suffix = f" ({number})"
    return cut(plain, OU_LENGTH - units(suffix)) + suffix
