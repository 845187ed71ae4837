"""The real servers, started once for all tests that ask for them.

With HUFU_KEEP_STACK=1 a running test stack is used as it is and left running: quick work at one's desk.
HUFU_TEST_PROFILE names another profile for it, so that two people can hurt servers at the same time.

`make test` runs two halves side by side that share no server: those that need the stack, one after the other, and
those of the registry alone.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hufu_stack.stack import Stack

KEEP = os.environ.get("HUFU_KEEP_STACK") == "1"
PROFILE = os.environ.get("HUFU_TEST_PROFILE", "test")

UNIT = Path(__file__).parent / "unit"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    for item in items:
        alone = item.path.is_relative_to(UNIT) or "migrated" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("registry" if alone else "servers"))


def _running(profile: str) -> Iterator[Stack]:
    stack = Stack(profile)
    if not KEEP:
        stack.reset()
    stack.up()
    try:
        yield stack
    finally:
        if not KEEP:
            stack.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Everything with a directory, profile `test`. It never falls back: no domain controller, no test."""
    yield from _running(PROFILE)


@pytest.fixture(scope="session")
def stack_without_directory() -> Iterator[Stack]:
    """Everything without a directory (AD=none), profile `test-none`."""
    yield from _running("test-none")


@pytest.fixture(scope="session")
def endpoints(stack: Stack) -> dict[str, Any]:
    """What endpoints.json of the stack says."""
    return stack.endpoints
