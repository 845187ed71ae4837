"""The addresses of the first page, and of the console's own health."""

from __future__ import annotations

from hufu_console.home import views
from hufu_console.web.routing import FORM, MACHINES, POST, PUBLIC, SIGNED_IN, Route

ROUTES = (
    Route("/", "home.home", views.home, PUBLIC),
    Route("/theme", "home.choose_theme", views.choose_theme, PUBLIC, POST),
    Route("/work-at", "home.choose_place", views.choose_place, SIGNED_IN, POST),
    Route("/search", "home.search", views.search, SIGNED_IN, FORM),
    Route("/healthz", "home.healthz", views.healthz, MACHINES),
)
