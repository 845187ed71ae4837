"""Servers of their own, profile `test-faults`: what is killed and frozen here must not be missing elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hufu_stack.stack import Stack
from tests.kit.stacks import running


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    yield from running("test-faults")
