"""A sentence that promises something of the systems asks first whether somebody has paused them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hufu_console

CONSOLE = Path(hufu_console.__file__).parent
PROMISE = re.compile(r"within (?:seconds|minutes)|(?:systems|server|tokens) follow|mail is on its way")
ASKED = re.compile(r"\bpromised\(|\btargets=")
IN_TEMPLATES = re.compile(r"""(promised\(\s*)?_\(\s*"((?:[^"\\]|\\.)*)\"""")
# No pause stands in their way: of the whole product, of an executed plan and a comparison, which go on.
WHATEVER_IS_PAUSED = {
    "One account for all official systems: applied for once, decided by your agency, ready within seconds.",
    "What is disabled, moved or deleted in Active Directory or Keycloak, is so within minutes.",
    "The comparison is asked for; it begins within seconds.",
}


def promises(console: Path) -> Iterator[tuple[str, str, bool]]:
    """Each sentence that promises something, its file, and whether it asks."""
    for path in sorted(console.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for part in ast.parse(text).body:
            for said in ast.walk(part):
                if isinstance(said, ast.Constant) and isinstance(said.value, str) and PROMISE.search(said.value):
                    yield path.name, said.value, bool(ASKED.search(ast.get_source_segment(text, part) or ""))
    for path in sorted(console.rglob("*.html")):
        for asks, said in IN_TEMPLATES.findall(path.read_text(encoding="utf-8")):
            if PROMISE.search(said):
                yield path.name, said, bool(asks)


def test_what_is_promised_of_the_systems_asks_whether_they_are_paused() -> None:
    said = list(promises(CONSOLE))
    assert {sentence for _file, sentence, asks in said if not asks} == WHATEVER_IS_PAUSED
    assert sum(asks for _file, _sentence, asks in said) > 10


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("acts.py", 'def act():\n    return done(_("Saved. The systems follow within seconds."), "/")\n'),
        ("act.html", '<p>{{ _("The directory and the sign-in server follow within seconds.") }}</p>'),
    ],
)
def test_a_planted_promise_is_found(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert [(found, asks) for found, _sentence, asks in promises(tmp_path)] == [(file, False)]
