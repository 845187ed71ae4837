"""The addresses of 機關."""

from __future__ import annotations

from hufu_console.agencies import views
from hufu_console.agencies.lists import FOUND, OWN, TREE
from hufu_console.exports.spreadsheet import sheet_route
from hufu_console.web import limits
from hufu_console.web.lists import search
from hufu_console.web.routing import FORM, POST, SIGNED_IN, Route
from hufu_registry.agencies.permissions import EDIT_AGENCIES, EDIT_UNITS
from hufu_registry.policy.permissions import CHANGE_SETTINGS
from hufu_registry.rights.permissions import APPOINT_MANAGERS

UNITS, AGENCIES, APPOINT = EDIT_UNITS, EDIT_AGENCIES, APPOINT_MANAGERS
# Which of the two it takes hangs on what stands there.
PLACE = frozenset({UNITS, AGENCIES})
ONE = "/agencies/<agency:agency_id>"

ROUTES = (
    Route("/agencies", "agencies.tree", views.tree, SIGNED_IN),
    sheet_route("/agencies.xlsx", OWN),
    sheet_route("/agencies/found.xlsx", FOUND),
    Route("/agencies/search", "agencies.search", search(TREE), SIGNED_IN, POST),
    Route("/agencies/found", "agencies.found", views.found, SIGNED_IN, limit=limits.SEARCHES),
    Route("/agencies/pick", "agencies.pick", views.pick, SIGNED_IN, limit=limits.SEARCHES),
    Route(ONE, "agencies.agency", views.agency, SIGNED_IN),
    Route(f"{ONE}/units/add", "agencies.add_unit", views.add_unit, UNITS, FORM),
    Route(f"{ONE}/rename", "agencies.rename", views.rename, PLACE, FORM),
    Route(f"{ONE}/move", "agencies.move", views.move, PLACE),
    Route(f"{ONE}/move/review", "agencies.move_review", views.move_review, PLACE, FORM),
    Route(f"{ONE}/close", "agencies.close", views.close, PLACE, FORM),
    Route(f"{ONE}/reopen", "agencies.reopen", views.reopen, PLACE, FORM),
    Route(f"{ONE}/merge", "agencies.merge", views.merge, AGENCIES, FORM),
    Route(f"{ONE}/mail-domains", "agencies.mail_domains", views.mail_domains, AGENCIES, FORM),
    Route(f"{ONE}/short-names", "agencies.short_names", views.short_names, AGENCIES, FORM),
    Route(f"{ONE}/official-domains", "agencies.official_domains", views.official_domains, CHANGE_SETTINGS, FORM),
    Route(f"{ONE}/privacy-notice", "agencies.privacy_notice", views.privacy_notice, CHANGE_SETTINGS, FORM),
    Route(f"{ONE}/managers/appoint", "agencies.appoint", views.appoint, APPOINT, FORM),
    Route(f"{ONE}/managers/<uuid:manager_id>/dismiss", "agencies.dismiss", views.dismiss, APPOINT, FORM),
    Route(f"{ONE}/managers/candidates", "agencies.candidates", views.candidates, APPOINT, POST),
)
