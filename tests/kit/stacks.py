"""Stacks that run while tests use them."""

from __future__ import annotations

import os
from collections.abc import Iterator

from hufu_stack.stack import Stack

KEEP = os.environ.get("HUFU_KEEP_STACK") == "1"


def running(profile: str) -> Iterator[Stack]:
    stack = Stack(profile)
    if not KEEP:
        stack.reset()
    stack.up()
    try:
        yield stack
    finally:
        if not KEEP:
            stack.stop()


def console_alone(*further: str) -> Iterator[Stack]:
    """PostgreSQL, Redis, the console behind its proxy, and what is named; nobody signs in, so there is no sign-in server."""
    stack = Stack("test-console")
    stack.reset()
    stack.start(["postgres", "redis"])
    try:
        stack.run("registry", "hufu", "db", "upgrade")
        stack.start(["console", *further])
        yield stack
    finally:
        stack.reset()
