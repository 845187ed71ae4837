"""What is said of an act that the systems have to follow: whether they do, or whether somebody has paused them."""

from __future__ import annotations

from collections.abc import Collection

from flask_babel import gettext as _

from hufu_console.sync.lists import target_word
from hufu_console.web.context import reading
from hufu_registry.kernel.outbox import STATE_TARGETS, Target
from hufu_registry.sync.store import paused_targets


def unless_paused(said: str, targets: Collection[Target] = STATE_TARGETS) -> str:
    """`said`, if none of the targets that it promises something of is paused; else that it waits there."""
    with reading() as work:
        paused = paused_targets(work.connection)
    waiting = [target_word(target) for target in targets if target in paused]
    if not waiting:
        return said
    held = _(
        "It is done here. Paused by hand: %(systems)s. What is to follow there waits until it is let go on.",
        systems=_(", ").join(waiting),
    )
    return str(held)
