"""What is promised of the systems that follow an act: said as long as nobody has paused them by hand."""

from __future__ import annotations

from collections.abc import Collection

from flask import Flask
from flask_babel import gettext as _

from hufu_console.web.context import reading
from hufu_console.web.labels import declared_label
from hufu_registry.kernel.outbox import STATE_TARGETS, Target
from hufu_registry.sync.store import paused_targets


def promised(said: str, targets: Collection[Target] = STATE_TARGETS) -> str:
    """`said`, if none of the targets that it is about is paused; else that it waits there."""
    return held_up(targets) or said


def held_up(targets: Collection[Target]) -> str:
    """That it waits in those that are paused; empty where none is."""
    if not targets:
        return ""
    with reading() as work:
        paused = paused_targets(work.connection)
    waiting = [declared_label("target", target) for target in targets if target in paused]
    if not waiting:
        return ""
    held = _(
        "Paused by hand: %(systems)s. What is to follow there waits until it is resumed.",
        systems=_(", ").join(waiting),
    )
    return str(held)


def set_up(app: Flask) -> None:
    app.jinja_env.globals.update(promised=promised)
