"""What 通知 bring."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.bell import queries
from hufu_console.bell.routes import ROUTES
from hufu_console.web.doors import Door
from hufu_console.web.feature import ConsoleFeature, Waiting

FEATURE = ConsoleFeature(
    "bell",
    ROUTES,
    doors={Door.BELL: "bell.entries"},
    waits=(Waiting("bell.entries", queries.count_unread),),
    sentences={"bell_entry": _l("This notification is not there any more.")},
)
