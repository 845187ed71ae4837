"""What 保留的異動 bring."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.guard import queries
from hufu_console.guard.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature, Waiting

SENTENCES = {
    "held_change": _l("There is no such set."),
    "held_change_state": _l("Somebody decided about it already."),
    "held_change_grew": _l(
        "It would touch more accounts by now (%(count)s), so nothing was done and the list is new. Please look at it "
        "again."
    ),
    "own_held_change": _l("You asked for it yourself; another system manager has to release it."),
}

FEATURE = ConsoleFeature(
    "guard",
    ROUTES,
    waits=(Waiting("guard.held_changes", queries.count_held),),
    sentences=SENTENCES,
)
