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
def house_named(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    opened: dict[str, Any] = {}

    def stack() -> Stack:
        found: Stack = request.getfixturevalue("stack")
        return found

    makers = {
        "memory": houses.in_memory,
        "documents": lambda: houses.documents(tmp_path_factory.mktemp("archive")),
        "samba": lambda: houses.samba(stack()),
        "sign-in memory": houses.sign_in_memory,
        "keycloak": lambda: houses.keycloak(stack(), "none"),
        "keycloak over ad": lambda: houses.keycloak(stack(), "ad"),
    }
    with ExitStack() as exits:

        def house(name: str) -> Any:
            if name not in opened:
                opened[name] = exits.enter_context(makers[name]())
            return opened[name]

        yield house
