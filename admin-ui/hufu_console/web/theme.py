"""Whether pages are light or dark: as the system, or as chosen in this browser."""

from __future__ import annotations

from flask import Flask, Response, request

from hufu_console.web.context import settings

COOKIE = "hufu_theme"
SYSTEM = "system"
THEMES = (SYSTEM, "light", "dark")
YEAR = 365 * 24 * 3600


def theme() -> str:
    chosen = request.cookies.get(COOKIE, SYSTEM)
    return chosen if chosen in THEMES else SYSTEM


def remember(response: Response, chosen: str) -> Response:
    """What is no theme changes nothing."""
    if chosen in THEMES:
        response.set_cookie(
            COOKIE, chosen, max_age=YEAR, httponly=True, samesite="Lax", secure=settings().cookie_secure
        )
    return response


def set_up(app: Flask) -> None:
    app.context_processor(lambda: {"theme": theme()})
