"""Every target once for all tests of the contract, the real ones in a place of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from hufu_stack.stack import Stack
from tests.contract import houses

Houses = Callable[[str], Any]


@pytest.fixture(scope="session")
def beside_the_stack(stack: Stack) -> Iterator[tuple[Stack, ExitStack]]:
    """What is opened on the servers is closed before they stop."""
    with ExitStack() as exits:
        yield stack, exits


@pytest.fixture(scope="session")
def house_named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    opened: dict[str, Any] = {}
    in_memory: dict[str, Callable[[], Any]] = {
        "memory": houses.in_memory,
        "documents": lambda: houses.documents(tmp_path_factory.mktemp("archive")),
        "sign-in memory": houses.sign_in_memory,
    }
    on_servers: dict[str, Callable[[Stack], Any]] = {
        "samba": houses.samba,
        "keycloak": lambda stack: houses.keycloak(stack, "none"),
        "keycloak over ad": lambda stack: houses.keycloak(stack, "ad"),
    }
    with ExitStack() as exits:

        def house(name: str) -> Any:
            if name not in opened and name in in_memory:
                opened[name] = exits.enter_context(in_memory[name]())
            elif name not in opened:
                stack, before_it_stops = request.getfixturevalue("beside_the_stack")
                opened[name] = before_it_stops.enter_context(on_servers[name](stack))
            return opened[name]

        yield house
