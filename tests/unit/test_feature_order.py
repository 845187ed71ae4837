"""The templates keep the order of the features as the modules do: each names only what is its own or to its right.

import-linter does not read templates, nor the names of templates in Python. An address may lead anywhere: a link is no
knowledge of how its page is made, and one that is nobody's is an error when it is drawn.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hufu_console import urls

CONSOLE = Path(urls.__file__).parent
# From the left to the right; what belongs to no feature is `web`, and the gallery sees everything.
ORDER = ["gallery", *(feature.name for feature in urls.FEATURES), "web"]
NO_FEATURE = {"components", "web"}
FILES = ("*.html", "*.py")

NAMED_IN_TEMPLATES = re.compile(r"""{%-?\s*(?:from|include|import|extends)\s+["']([a-z_]+)/""")
NAMED_IN_PYTHON = re.compile(r"""["']([a-z_]+)/[a-z_/{}.]*\.html["']""")
ENDPOINT = re.compile(r"""["']([a-z_]+)\.[a-z_]+["']""")


def owner(path: Path) -> str:
    """Whose file it is: its feature's, or web's."""
    room, *_ = path.parts[1:] if path.parts[0] == "templates" else path.parts
    return room if room in ORDER else room.removesuffix(".html") if room.removesuffix(".html") in ORDER else "web"


def named(console: Path) -> Iterator[tuple[Path, str]]:
    """Each file with the features whose templates it names."""
    for kind in FILES:
        pattern = NAMED_IN_TEMPLATES if kind == "*.html" else NAMED_IN_PYTHON
        for path in sorted(console.rglob(kind)):
            for room in pattern.findall(path.read_text(encoding="utf-8")):
                yield path.relative_to(console), "web" if room in NO_FEATURE else room


def looks_left(console: Path) -> list[tuple[str, str]]:
    return [(str(path), room) for path, room in named(console) if room != owner(path) and before(room, owner(path))]


def before(room: str, other: str) -> bool:
    return ORDER.index(room) < ORDER.index(other)


def test_a_template_names_only_what_is_to_its_right() -> None:
    assert looks_left(CONSOLE) == []


def test_everything_that_is_named_belongs_to_somebody() -> None:
    assert {room for _path, room in named(CONSOLE)} - set(ORDER) == set()


def addresses_in_web(console: Path) -> list[tuple[str, str]]:
    """The files of nobody that name an address of some feature."""
    features = {feature.name for feature in urls.FEATURES}
    files = [
        path for kind in FILES for folder in ("web", "templates") for path in sorted((console / folder).rglob(kind))
    ]
    return [
        (str(path.relative_to(console)), room)
        for path in files
        if owner(path.relative_to(console)) == "web"
        for room in ENDPOINT.findall(path.read_text(encoding="utf-8"))
        if room in features
    ]


def test_web_names_no_address() -> None:
    """Which page is the first, where one signs in and what stands at the foot, the features declare."""
    assert addresses_in_web(CONSOLE) == []


def planted(house: Path, file: str, line: str) -> Path:
    """A copy of the console with a line more in a file."""
    copy = house / "hufu_console"
    shutil.copytree(CONSOLE, copy, ignore=shutil.ignore_patterns("static", "translations", "__pycache__"))
    changed = copy / file
    changed.write_text(f"{changed.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("templates/guard/_labels.html", '{% from "accounts/_labels.html" import account_state %}'),
        ("templates/agencies/agency.html", '{% include "sync/_now.html" %}'),
        ("templates/layout.html", '{% include "home/welcome.html" %}'),
        ("guard/lists.py", 'WORDS = "sync/_labels.html"'),
        ("web/lists.py", 'CELLS = "cases/_queue.html"'),
    ],
)
def test_a_planted_look_to_the_left_is_found(tmp_path: Path, file: str, line: str) -> None:
    assert [path for path, _room in looks_left(planted(tmp_path, file, line))] == [file]


@pytest.mark.parametrize(
    ("file", "line"),
    [("templates/layout.html", "{{ url_for('home.home') }}"), ("web/drafts.py", 'HOME = "home.home"')],
)
def test_a_planted_address_in_web_is_found(tmp_path: Path, file: str, line: str) -> None:
    assert [path for path, _room in addresses_in_web(planted(tmp_path, file, line))] == [file]
