"""Texts that people type or paste: how long, how they are tidied, what none may hold, how they are compared."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from hufu_registry.kernel.errors import Invalid

MOST_WORDS, MOST_LETTERS = 8, 200
MOST_ABBREVIATED = 10
# How much of a paste is looked at for a number or a code, with all that stands around it.
PASTED = 60
# Control, format, private and half characters; one that is newer than Python's table is none of these.
NOT_SHOWN = frozenset({"Cc", "Cf", "Co", "Cs"})
# Of no such category, but nothing is to be seen: fillers, the joiner of graphemes, an empty cell of Braille.
FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
SELECTORS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# What str.strip() leaves, but no name begins or ends with.
INVISIBLE = "\ufeff\u200b\u2060"
# The blocks of Unicode whose letters run from right to left.
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]")
DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\ufe58", "-"))
DOTS = str.maketrans(dict.fromkeys("\u00b7\u0387\u2022\u2024\u2027\u2219\u22c5\u2e31\u30fb\ua78f\uff65", "."))
STOPS = str.maketrans({"\u3002": ".", "\uff61": "."})
# What Excel and Word put around a number so that it stays text.
QUOTES = "'\"\u2018\u2019\u201c\u201d\u300c\u300d"
DIAL_ON = re.compile(r"\s*(?:轉|分機|ext[a-z]*|#)[\s.:]*", re.IGNORECASE)
COUNTRY = re.compile(r"^(?P<sign>\(?(?:\+|00)\s*)?\(?886\)?[\s-]*(?:\(0\)|0)?[\s-]*")
# The digits of 886 and the shortest number behind it.
MOST_LOCAL = 10


def is_shown(character: str) -> bool:
    """Whether a person would see it, or at least its effect on its neighbour."""
    if unicodedata.category(character) in NOT_SHOWN or character in FILLERS:
        return False
    number = ord(character)
    return number & 0xFFFE != 0xFFFE and not 0xFDD0 <= number <= 0xFDEF


def tidy(text: str) -> str:
    """NFC, without white space and invisible marks at the ends; any white space inside becomes one space."""
    return " ".join(unicodedata.normalize("NFC", text).strip().strip(INVISIBLE).split())


def narrow(text: str) -> str:
    """Digits, letters and signs as a keyboard makes them: wide ones narrow, one dash for all, nothing invisible, and
    without what a spreadsheet puts around them.
    """
    seen = "".join(
        character if is_shown(character) or character.isspace() else ""
        for character in SELECTORS.sub("", unicodedata.normalize("NFKC", text)).translate(DASHES)
    )
    return " ".join(seen.split()).removeprefix("=").strip(f"{QUOTES} ")


def dotted(text: str) -> str:
    """An OID: digits and dots, whichever dots were typed."""
    return "".join(narrow(text).translate(DOTS).translate(STOPS).split())


def code(text: str) -> str:
    """A code as an app, a mail or a list shows it: in groups or not."""
    return "".join(narrow(text).replace("-", "").split())


def telephone(text: str) -> str:
    """A number in Taiwan as it is dialled there, what is dialled afterwards behind a #."""
    number, *rest = DIAL_ON.split(narrow(text), maxsplit=1)
    country = COUNTRY.match(number)
    if country and (country["sign"] or sum(map(str.isdigit, number)) > MOST_LOCAL):
        number = f"0{number[country.end() :]}"
    return "#".join((number, *rest))


def dialled_on(text: str) -> str:
    return code(DIAL_ON.sub("", narrow(text), count=1))


def mobile(text: str) -> str:
    return re.sub(r"[\s().-]", "", telephone(text))


def folded(text: str) -> str:
    """The same for spellings people take for the same: full and half width, capitals, dots of every kind, 台 and 臺."""
    return unicodedata.normalize("NFKC", text).casefold().replace("台", "臺").translate(DOTS)


def isolated(text: str) -> str:
    """For people to read: what runs from right to left turns nothing beside it (UAX #9, 2.4, FSI and PDI)."""
    return f"\u2068{text}\u2069" if RIGHT_TO_LEFT.search(text) else text


def words_of(query: str) -> tuple[str, ...]:
    """The folded words of a search, at most eight, each once."""
    # PostgreSQL takes neither NUL nor half a surrogate pair, and no name has them.
    storable = query[:MOST_LETTERS].replace("\x00", " ").encode(errors="ignore").decode()
    return tuple(dict.fromkeys(folded(storable).split()))[:MOST_WORDS]


def is_abbreviation(word: str) -> bool:
    """Whether it could be a name of which letters were left out, as 衛福部 of 衛生福利部; a search looks no further."""
    return 2 <= len(word) <= MOST_ABBREVIATED and not word.isascii() and word.isalpha()


def words_fault(text: str) -> str | None:
    if not all(map(is_shown, text)):
        return "control_character"
    # Marks alone, without a letter that bears them, are nothing that could be read.
    return None if any(unicodedata.category(character)[0] not in "MZ" for character in text) else "nothing_to_see"


def control_fault(text: str) -> str | None:
    return "control_character" if any(unicodedata.category(character) in {"Cc", "Cs"} for character in text) else None


def shaped(shape: re.Pattern[str], fault: str) -> Callable[[str], str | None]:
    """A rule: the text has this shape."""
    return lambda text: None if shape.match(text) else fault


def units(text: str) -> int:
    """How long a text is, as directories and browsers count: a character beyond the first 65,536 counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, slots=True)
class Text:
    """One kind of text: the judge of it for forms, searches, commands and files alike.

    Nothing looks at a text that is longer than `longest`, in `units`, but to refuse it: what Unicode makes of 75,000
    combining marks takes half a minute. `missing` is the code of an empty one, None where it may be empty; `rule` says
    which rule a text breaks; without one it is words, in which everything is seen.
    """

    longest: int
    tidied: Callable[[str], str] = tidy
    missing: str | None = None
    rule: Callable[[str], str | None] | None = None

    def clean(self, text: str | None) -> str:
        given = (text or "").strip()
        return given if units(given) > self.longest else self.tidied(given)

    def fault(self, text: str | None) -> str | None:
        """The code of the rule that a cleaned text breaks."""
        given = text or ""
        if not given:
            return self.missing
        if units(given) > self.longest:
            return "too_long"
        return (self.rule or words_fault)(given)

    def checked(self, text: str | None, field: str) -> str:
        """The cleaned text. Raises Invalid on the field."""
        cleaned = self.clean(text)
        if fault := self.fault(cleaned):
            raise Invalid(fields={field: fault}, longest=self.longest)
        return cleaned


# Why somebody loses something, as he is told.
REASON = Text(500, missing="required")
