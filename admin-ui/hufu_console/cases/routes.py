"""The addresses of 審核案件."""

from __future__ import annotations

from hufu_console.cases import queries, views
from hufu_console.cases.lists import QUEUE
from hufu_console.exports.spreadsheet import sheet_route
from hufu_console.web.routing import FORM, POST, Route

# Of some type; of which, the use case asks.
SEE = frozenset(case_type.sees for case_type in queries.case_types().values())
DECIDE = frozenset(case_type.decides for case_type in queries.case_types().values())
ONE = "/cases/<uuid:case_id>"

ROUTES = (
    Route("/cases", "cases.queue", views.queue, SEE),
    sheet_route("/cases.xlsx", QUEUE),
    Route("/cases/search", "cases.search", views.search, SEE, POST),
    Route(ONE, "cases.case", views.case, SEE),
    Route(f"{ONE}/approve", "cases.approve", views.case, DECIDE, POST),
    Route(f"{ONE}/reject", "cases.reject", views.reject, DECIDE, FORM),
)
