"""What a reader has to hold at once: modules, functions, and names that say what is inside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from hufu_stack.layout import PROJECT

LINES_OF_A_MODULE = 500
LINES_OF_A_FUNCTION = 60
# A migration is read once from top to bottom, as the sample is.
APART = ("registry/hufu_registry/migrations/versions/", "docs/examples/")
NAMELESS = re.compile(r"^(utils?|helpers?|managers?|common|misc)$")
FOLDERS = (
    "registry",
    "admin-ui",
    "sync-worker",
    "keycloak-config",
    "stack",
    "bench",
    "setup",
    "docker",
    "docs",
    "tests",
)


def modules() -> Iterator[tuple[str, str]]:
    """Every module of ours, by its path in the project, with its text."""
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            name = str(path.relative_to(PROJECT))
            if not name.startswith(APART):
                yield name, path.read_text(encoding="utf-8")


def too_long(name: str, text: str) -> Iterator[str]:
    lines = len(text.splitlines())
    if lines > LINES_OF_A_MODULE:
        yield f"{name}: {lines}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > LINES_OF_A_FUNCTION:
                yield f"{name}: {node.name} {lines}"


def test_no_module_and_no_function_is_longer_than_the_house_law_allows() -> None:
    found = [long for name, text in modules() for long in too_long(name, text)]
    assert found == []


def test_every_module_is_named_for_what_is_inside() -> None:
    parts = {part for name, _ in modules() for part in Path(name).with_suffix("").parts}
    assert [part for part in parts if NAMELESS.match(part)] == []


def test_what_is_too_long_is_found() -> None:
    function = "def one() -> None:\n" + "    pass\n" * LINES_OF_A_FUNCTION
    assert list(too_long("a.py", function)) == ["a.py: one 61"]
    assert list(too_long("a.py", "pass\n" * (LINES_OF_A_MODULE + 1))) == ["a.py: 501"]
    assert list(too_long("a.py", "def one() -> None:\n" + "    pass\n" * (LINES_OF_A_FUNCTION - 1))) == []
