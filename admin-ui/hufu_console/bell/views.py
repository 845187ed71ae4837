"""通知: what is new for the viewer; opening one reads it, and leads to what it is about."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.bell.use_cases as bell
from hufu_console.bell.lists import ENTRIES
from hufu_console.web import lists
from hufu_console.web.acts import done
from hufu_console.web.context import actor, registry
from hufu_console.web.feature import composition

entries = lists.page(ENTRIES)


def open_entry(entry_id: UUID) -> ResponseReturnValue:
    """Who may no longer see what it is about is told so there."""
    entry = bell.read_entry(entry_id, registry(), actor())
    page = composition().bell.get(entry.page)
    return redirect(url_for("bell.entries") if page is None else page(entry.object_id), 303)


def read_all() -> ResponseReturnValue:
    bell.read_all(registry(), actor())
    return done(_("Everything is marked as read."), url_for("bell.entries"))
