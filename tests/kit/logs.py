"""What servers have written down."""

from __future__ import annotations

from collections.abc import Iterable

from hufu_stack.stack import Stack


def told_of(stack: Stack, texts: Iterable[str]) -> list[str]:
    """Each of the texts that stands in a log of the stack, with the log's name and the line."""
    sought = [text for text in texts if text]
    found = []
    for path in sorted((stack.profile.folder / "logs").iterdir()):
        for line in path.read_text(errors="replace").splitlines():
            found += [f"{text!r} in {path.name}: {line[:300]}" for text in sought if text in line]
    return found
