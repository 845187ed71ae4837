"""The addresses of 常用篩選. Each filter is its owner's alone."""

from __future__ import annotations

from hufu_console.filters import views
from hufu_console.web.routing import POST, SIGNED_IN, Route

ONE = "/filters/<uuid:filter_id>"

ROUTES = (
    Route("/filters", "filters.save", views.save, SIGNED_IN, POST),
    Route(f"{ONE}/first", "filters.put_first", views.put_first, SIGNED_IN, POST),
    Route(f"{ONE}/delete", "filters.delete", views.delete, SIGNED_IN, POST),
)
