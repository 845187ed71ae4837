"""Names in the forms a directory can hold: without control characters, an agency's cut, the same every time."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hufu_registry.kernel.texts import units

# What Active Directory has room for (rangeUpper of ou and company), counted in UTF-16 units as it does.
OU_LENGTH = COMPANY_LENGTH = 64
ELLIPSIS = "…"


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


def short_name(name: str) -> str:
    """What an account says of its agency there; the list's names may be longer, and stand whole on the agency."""
    return cut(printable(name), COMPANY_LENGTH)


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
