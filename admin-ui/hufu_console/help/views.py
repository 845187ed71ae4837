"""The pages of the help, and the search in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask import g, render_template, request, url_for

from hufu_console.help.manual import Manual, Reader, Section, manual
from hufu_console.web.feature import composition
from hufu_console.web.language import language
from hufu_registry.kernel.texts import MOST_LETTERS, words_of


@dataclass(frozen=True, slots=True)
class Found:
    page: Manual
    section: Section
    sentence: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is explained, and what the section is called."""

    url: str
    title: str


def start() -> str:
    """The pages that this reader may open, and what they say of his words."""
    words = request.args.get("words", "").strip()[:MOST_LETTERS]
    return render_template("help/start.html", pages=readable(), words=words, found=list(found(words)))


def page(reader: Reader) -> str:
    return render_template("help/page.html", page=manual(reader, language()), pages=readable())


def readable() -> list[Manual]:
    return [manual(reader, language()) for reader in Reader if may_read(reader)]


def may_read(reader: Reader) -> bool:
    route = composition().routes[f"help.{reader}"]
    viewer = g.get("viewer")
    return route.is_open or (viewer is not None and route.refusal(viewer.rights) is None)


def found(words: str) -> Iterator[Found]:
    """The sections in which all words occur."""
    asked = words_of(words)
    for each in readable() if asked else ():
        for section in each.sections:
            sentence = section.said(asked)
            if sentence is not None:
                yield Found(each, section, sentence)


def help_place(reader: str, anchor: str) -> Place | None:
    """For a page that leads to the help; None where the viewer may not read it. Raises LookupError for an anchor that
    is nowhere.
    """
    who = Reader(reader)
    section = manual(who, language()).section(anchor)
    return Place(url_for(f"help.{who}", _anchor=anchor), section.title) if may_read(who) else None
