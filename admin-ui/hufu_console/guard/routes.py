"""The addresses of 保留的異動."""

from __future__ import annotations

from hufu_console.guard import views
from hufu_console.guard.lists import CHANGES, HELD_CHANGES
from hufu_console.web.routing import FORM, POST, Route
from hufu_console.web.spreadsheet import Sheet
from hufu_registry.sync.permissions import ADMINISTER_SYNC

ADMINISTER = ADMINISTER_SYNC
ONE = "/sync/held/<held:held_id>"

ROUTES = (
    Route("/sync/held", "guard.held_changes", views.held_changes, ADMINISTER),
    Route("/sync/held.xlsx", "guard.held_changes_xlsx", Sheet(HELD_CHANGES), ADMINISTER, POST),
    Route(ONE, "guard.held_change", views.held_change, ADMINISTER),
    Route(f"{ONE}.xlsx", "guard.held_change_xlsx", Sheet(CHANGES), ADMINISTER, POST),
    Route(f"{ONE}/release", "guard.release", views.release, ADMINISTER, FORM),
    Route(f"{ONE}/cancel", "guard.cancel", views.cancel, ADMINISTER, FORM),
)
