"""The tests' own walls: what they share stands in tests/kit, and nothing imports a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from hufu_stack.layout import PROJECT

FOLDERS = ("registry", "admin-ui", "sync-worker", "keycloak-config", "stack", "setup", "docker", "bench", "tests")
# Random stories are a program, which takes its world from the kit.
SHARED = ("tests.kit", "tests.soak")
# A bench measures what stands between us and a target: a fake that has passed the targets' contract, and a proxy.
MEASURED = ("tests.kit.targets.fakes", "tests.kit.faults.proxy")


def modules() -> Iterator[tuple[str, str]]:
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.py")):
            yield str(path.relative_to(PROJECT)), path.read_text(encoding="utf-8")


def imported(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_below(name: str, packages: tuple[str, ...]) -> bool:
    return name in packages or name.startswith(tuple(f"{package}." for package in packages))


def broken(name: str, text: str) -> list[str]:
    """What the module imports and must not: of tests only what is shared, of the kit only by tests and benches."""
    allowed: tuple[str, ...] = ()
    if name.startswith("bench/"):
        allowed = MEASURED
    elif name.startswith("tests/"):
        allowed = SHARED if name.startswith("tests/soak/") else SHARED[:1]
    return [each for each in imported(text) if is_below(each, ("tests",)) and not is_below(each, allowed)]


def test_nothing_imports_a_test() -> None:
    assert {name: found for name, text in modules() if (found := broken(name, text))} == {}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("tests/integration/test_guard.py", "from tests.integration.test_rights import grow"),
        ("tests/integration/test_guard.py", "from tests.integration.conftest import clock"),
        ("tests/unit/test_guard.py", "import tests.unit.conftest"),
        ("tests/kit/staff.py", "from tests.integration import test_guard"),
        ("tests/kit/staff.py", "from tests import soak"),
        ("bench/push.py", "from tests.kit.accounts import official"),
        ("registry/hufu_registry/bootstrap.py", "import tests.kit.clocks"),
    ],
)
def test_a_planted_fault_is_found(name: str, line: str) -> None:
    assert broken(name, line) != []


def test_what_is_shared_may_be_imported() -> None:
    assert (
        broken("tests/integration/test_guard.py", "from tests.kit.staff import Staff\nfrom tests.kit import staff")
        == []
    )
    assert broken("tests/soak/run.py", "from tests.soak.machine import Soak\nfrom tests.kit import staff") == []
