"""What 保留的異動 bring."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l

from hufu_console.guard import queries
from hufu_console.guard.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature, HomeBlock, MenuEntry, MenuGroup, Waiting

SENTENCES = {
    "held_change": _l("There is no such change on hold."),
    "held_change_state": _l("Somebody decided about it already."),
    "held_change_grew": _l(
        "It would touch more accounts by now (%(count)s), so nothing was done and the list is new. Please look at it "
        "again."
    ),
    "own_held_change": _l("You asked for it yourself; another system manager has to release it."),
}

COMMANDS = {
    "rename_agency": _l("Rename an agency"),
    "move_agency": _l("Move an agency"),
    "merge_agency": _l("Merge an agency"),
    "import_agencies": _l("Import of the list of agencies"),
    "transfer_accounts": _l("Transfer of accounts"),
    "disable_accounts": _l("Disabling of accounts"),
    "delete_accounts": _l("Deletion of accounts"),
}

FEATURE = ConsoleFeature(
    "guard",
    ROUTES,
    home=(HomeBlock("guard/_home.html", 25, queries.held_home),),
    menu=(MenuEntry(_l("Changes on hold"), "guard.held_changes", MenuGroup.SYSTEM, 30),),
    waits=(Waiting("guard.held_changes", queries.count_held, "sync.overview", queries.held_said),),
    sentences=SENTENCES,
    labels={"run_cause": COMMANDS},
    bell={"held_change": lambda held_id: url_for("guard.held_change", held_id=held_id)},
)
