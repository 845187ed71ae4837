"""The addresses of 保留的異動."""

from __future__ import annotations

from hufu_console.exports.spreadsheet import Sheet
from hufu_console.guard import views
from hufu_console.guard.lists import CHANGES, HELD_CHANGES
from hufu_console.web.routing import FORM, POST, Route
from hufu_registry.guard.permissions import RELEASE_HELD_CHANGES

ONE = "/sync/held/<uuid:held_id>"

ROUTES = (
    Route("/sync/held", "guard.held_changes", views.held_changes, RELEASE_HELD_CHANGES),
    Route("/sync/held.xlsx", "guard.held_changes_xlsx", Sheet(HELD_CHANGES), RELEASE_HELD_CHANGES, POST),
    Route(ONE, "guard.held_change", views.held_change, RELEASE_HELD_CHANGES),
    Route(f"{ONE}.xlsx", "guard.held_change_xlsx", Sheet(CHANGES), RELEASE_HELD_CHANGES, POST),
    Route(f"{ONE}/release", "guard.release", views.release, RELEASE_HELD_CHANGES, FORM),
    Route(f"{ONE}/cancel", "guard.cancel", views.cancel, RELEASE_HELD_CHANGES, FORM),
)
