"""The pages of the help: a Markdown file for each reader and language, read once."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from hufu_registry.kernel.texts import folded

FOLDER = Path(__file__).with_name("pages")
SECTION = re.compile(r"^## ", re.MULTILINE)
ANCHORED = re.compile(r"^(?P<title>.+?) \{#(?P<anchor>[a-z-]+)\}$")
# Another page, as one finds it from the file; a page's address stands beside the others'.
OTHER_PAGE = re.compile(r"^(?P<page>[a-z]+)\.\w+\.md(?P<anchor>#[a-z-]+)?$")
SENTENCE_ENDS = re.compile(r"(?<=[。！？])|(?<=[.!?])\s+")
# As CommonMark with tables; HTML in a page is text.
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


class Reader(StrEnum):
    """For whom a page is."""

    APPLICANT = "applicant"
    OFFICIAL = "official"
    MANAGER = "manager"
    SYSTEM = "system"
    INTEGRATOR = "integrator"


@dataclass(frozen=True, slots=True)
class Section:
    """A task, or what stands apart; `sentences` are what a search looks in."""

    anchor: str
    title: str
    body: Markup
    sentences: Sequence[str]

    def said(self, words: Sequence[str]) -> str | None:
        """The sentence that has most of the folded words, empty where the title has them; None if one is missing."""
        if not all(word in folded(" ".join((self.title, *self.sentences))) for word in words):
            return None
        return max(("", *self.sentences), key=lambda sentence: sum(word in folded(sentence) for word in words))


@dataclass(frozen=True, slots=True)
class Manual:
    """A page: its title, what its reader can do, and a section for each task."""

    reader: Reader
    title: str
    lead: Markup
    sections: Sequence[Section]

    def section(self, anchor: str) -> Section:
        """Raises LookupError."""
        found = next((section for section in self.sections if section.anchor == anchor), None)
        if found is None:
            message = f"The page of help for the {self.reader} has no section {anchor}."
            raise LookupError(message)
        return found


@cache
def manual(reader: Reader, language: str) -> Manual:
    """Raises ValueError where a heading has no anchor."""
    head, *parts = SECTION.split((FOLDER / f"{reader}.{language}.md").read_text(encoding="utf-8"))
    title, _, lead = head.removeprefix("# ").partition("\n")
    return Manual(reader, title, rendered(parsed(lead)), [section(part) for part in parts])


def section(part: str) -> Section:
    heading, _, body = part.partition("\n")
    found = ANCHORED.match(heading)
    if found is None:
        message = f"The heading {heading} has no anchor."
        raise ValueError(message)
    tokens = parsed(body)
    return Section(found["anchor"], found["title"], rendered(tokens), list(sentences(tokens)))


def parsed(text: str) -> list[Token]:
    """With links and pictures as they are found from a page's address."""
    tokens = MARKDOWN.parse(text)
    for token in (child for each in tokens for child in each.children or ()):
        if token.type == "link_open" and (other := OTHER_PAGE.match(str(token.attrGet("href")))):
            token.attrSet("href", f"{other['page']}{other['anchor'] or ''}")
        elif token.type == "image":
            show(token)
    return tokens


def show(picture: Token) -> None:
    """It comes when it is scrolled to, and what stands below does not move then."""
    source = str(picture.attrGet("src"))
    width, height = struct.unpack(">II", (FOLDER / source).read_bytes()[16:24])
    picture.attrSet("src", source.removeprefix("../"))
    picture.attrs |= {"width": width, "height": height, "loading": "lazy"}


def rendered(tokens: Sequence[Token]) -> Markup:
    # The files are ours, and raw HTML in them is escaped.
    return Markup(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))  # noqa: S704


def sentences(tokens: Sequence[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "inline":
            text = "".join(child.content or " " * (child.type == "softbreak") for child in token.children or ())
            yield from (sentence.strip() for sentence in SENTENCE_ENDS.split(text) if sentence.strip())
        elif token.type == "fence":
            yield from token.content.splitlines()
