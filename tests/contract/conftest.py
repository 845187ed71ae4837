"""Every target once for all tests of the contract, the real ones in a place of their own; gone after the last of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import pytest

from hufu_registry.sync.model.plan import Desired
from hufu_stack.stack import Stack
from tests.kit.targets import target_harness
from tests.kit.targets.target_harness import DirectoryHarness, HarnessFactory


@pytest.fixture(scope="package")
def harness_named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HarnessFactory]:
    opened: dict[str, Any] = {}
    in_memory: dict[str, Callable[[], Any]] = {
        "memory": target_harness.in_memory,
        "documents": lambda: target_harness.documents(tmp_path_factory.mktemp("archive")),
        "sign-in memory": target_harness.sign_in_memory,
    }
    on_servers: dict[str, Callable[[Stack], Any]] = {
        "samba": target_harness.samba,
        "keycloak": lambda stack: target_harness.keycloak(stack, "none"),
        "keycloak over ad": lambda stack: target_harness.keycloak(stack, "ad"),
    }
    with ExitStack() as exits:

        def harness(name: str) -> Any:
            if name not in opened:
                make = (
                    in_memory[name]
                    if name in in_memory
                    else partial(on_servers[name], request.getfixturevalue("stack"))
                )
                opened[name] = exits.enter_context(make())
            return opened[name]

        yield harness


@pytest.fixture
def agency(harness: DirectoryHarness) -> str:
    return harness.make(harness.agency())


@pytest.fixture
def account(harness: DirectoryHarness, agency: str) -> Desired:
    return harness.account(agency)
