"""The addresses of 保留的異動."""

from __future__ import annotations

from hufu_console.exports.spreadsheet import sheet_route
from hufu_console.guard import views
from hufu_console.guard.lists import CHANGES, HELD_CHANGES
from hufu_console.web.routing import FORM, Route
from hufu_registry.guard.permissions import RELEASE_HELD_CHANGES

ONE = "/sync/held/<uuid:held_id>"

ROUTES = (
    Route("/sync/held", "guard.held_changes", views.held_changes, RELEASE_HELD_CHANGES),
    sheet_route("/sync/held.xlsx", HELD_CHANGES),
    Route(ONE, "guard.held_change", views.held_change, RELEASE_HELD_CHANGES),
    sheet_route(f"{ONE}.xlsx", CHANGES),
    Route(f"{ONE}/release", "guard.release", views.release, RELEASE_HELD_CHANGES, FORM),
    Route(f"{ONE}/cancel", "guard.cancel", views.cancel, RELEASE_HELD_CHANGES, FORM),
)
