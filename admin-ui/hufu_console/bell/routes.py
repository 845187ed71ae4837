"""The addresses of 通知. Each is its reader's alone."""

from __future__ import annotations

from hufu_console.bell import views
from hufu_console.web.routing import POST, SIGNED_IN, Route

ROUTES = (
    Route("/notifications", "bell.entries", views.entries, SIGNED_IN),
    Route("/notifications/read", "bell.read_all", views.read_all, SIGNED_IN, POST),
    Route("/notifications/<uuid:entry_id>", "bell.open", views.open_entry, SIGNED_IN, POST),
)
