"""How names are cleaned, joined and folded for search."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

SEPARATOR = " › "
MAX_NAME = 200
MAX_WORDS = 8
MAX_QUERY = 200
# What str.strip() leaves, but no name begins or ends with.
INVISIBLE = "\ufeff\u200b\u2060"


def clean(text: str) -> str:
    """NFC, without white space and invisible marks at the ends; any white space inside becomes one space."""
    tidy = unicodedata.normalize("NFC", text).strip().strip(INVISIBLE)
    return " ".join(tidy.split())


def is_printable(text: str) -> bool:
    """Whether `text` has no control characters; PostgreSQL takes no NUL, and no name has the others."""
    return all(unicodedata.category(character) not in {"Cc", "Cs"} for character in text)


def folded(text: str) -> str:
    """The same for spellings people take for the same: full and half width, capitals, 台 and 臺."""
    return unicodedata.normalize("NFKC", text).casefold().replace("台", "臺")


def joined_names(above: str | None, name: str) -> str:
    return name if above is None else f"{above}{SEPARATOR}{name}"


def words_of(query: str) -> tuple[str, ...]:
    """The folded words of a search, at most eight, each once."""
    # PostgreSQL takes neither NUL nor half a surrogate pair, and no name has them.
    storable = query[:MAX_QUERY].replace("\x00", " ").encode(errors="ignore").decode()
    return tuple(dict.fromkeys(folded(storable).split()))[:MAX_WORDS]


def search_lines(name: str, others: Iterable[str]) -> str:
    """What a search looks at: the name first, then former names, OIDs and code, one folded line each."""
    lines = dict.fromkeys(" ".join(folded(text).split()) for text in (name, *others) if text)
    return "\n" + "".join(f"{line}\n" for line in lines)
