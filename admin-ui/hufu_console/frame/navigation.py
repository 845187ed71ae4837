"""What stands in the header of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request, url_for
from flask_babel import gettext as _

from hufu_console.frame.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Item:
    word: str
    url: str
    here: bool
    count: int = 0


def items(viewer: Viewer) -> list[Item]:
    """The pages this official may open."""
    feature = (request.endpoint or "").partition(".")[0]
    return [Item(_("Home"), url_for("home.home"), feature == "home")]


def page_values() -> dict[str, Any]:
    viewer = g.get("viewer")
    return {
        "viewer": viewer,
        "navigation": items(viewer) if viewer else [],
        "restored": bool(g.get("restored")),
    }


def set_up(app: Flask) -> None:
    app.context_processor(page_values)
