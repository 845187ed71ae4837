"""The addresses of the first page, and of the console's own health."""

from __future__ import annotations

from hufu_console.home import views
from hufu_console.web.routing import MACHINES, PUBLIC, Route

ROUTES = (
    Route("/", "home.home", views.home, PUBLIC),
    Route("/healthz", "home.healthz", views.healthz, MACHINES),
)
