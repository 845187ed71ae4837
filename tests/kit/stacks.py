"""A stack that runs while tests use it."""

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
