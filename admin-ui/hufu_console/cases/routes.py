"""The addresses of 審核案件."""

from __future__ import annotations

from hufu_console.cases import views
from hufu_console.web.routing import FORM, POST, Route
from hufu_registry.cases.permissions import DECIDE_CASES, SEE_CASES

SEE, DECIDE = SEE_CASES, DECIDE_CASES
ONE = "/cases/<uuid:case_id>"

ROUTES = (
    Route("/cases", "cases.queue", views.queue, SEE),
    Route("/cases/search", "cases.search", views.search, SEE, POST),
    Route(ONE, "cases.case", views.case, SEE),
    Route(f"{ONE}/approve", "cases.approve", views.case, DECIDE, POST),
    Route(f"{ONE}/reject", "cases.reject", views.reject, DECIDE, FORM),
)
