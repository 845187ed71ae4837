"""What stands in the header of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Flask, g, request, url_for
from flask_babel import gettext as _

from hufu_console.cases.queries import count_waiting
from hufu_console.sync.queries import Needing, needing
from hufu_console.web.viewer import Viewer


@dataclass(frozen=True, slots=True)
class Item:
    word: str
    url: str
    here: bool
    count: int = 0


def items(viewer: Viewer) -> list[Item]:
    """The pages this official may open, and what waits for him there."""
    endpoint = request.endpoint or ""
    feature = endpoint.partition(".")[0]
    own = endpoint in ("accounts.mine", "accounts.my_progress")
    found = [Item(_("Home"), url_for("home.home"), feature == "home")]
    if viewer.rights.is_manager:
        waiting = count_waiting(viewer)
        found.append(Item(_("Waiting cases"), url_for("cases.queue"), feature == "cases", waiting))
        found.append(Item(_("Accounts"), url_for("accounts.people"), feature == "accounts" and not own))
    found.append(Item(_("Agencies"), url_for("agencies.tree"), feature == "agencies"))
    if viewer.rights.is_system_manager:
        here = feature in ("sync", "guard")
        found.append(Item(_("AD sync"), url_for("sync.overview"), here, needs().total))
    found.append(Item(_("My account"), url_for("accounts.mine"), own))
    return found


def needs() -> Needing:
    """What waits for a system manager, looked up once a request."""
    if "needs" not in g:
        g.needs = needing()
    found: Needing = g.needs
    return found


def page_values() -> dict[str, Any]:
    """`navigation` and `needing` are asked by the templates that show them: a part of a page counts nothing for it."""
    viewer = g.get("viewer")
    return {
        "viewer": viewer,
        "navigation": lambda: items(viewer) if viewer else [],
        "needing": needs,
        "restored": bool(g.get("restored")),
    }


def set_up(app: Flask) -> None:
    app.context_processor(page_values)
