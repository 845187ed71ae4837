"""Whether pages are light or dark: as the system, or as chosen in this browser."""

from __future__ import annotations

from flask import Flask, Response, request

from hufu_console.web.cookies import remember_choice

COOKIE = "hufu_theme"
SYSTEM = "system"
THEMES = (SYSTEM, "light", "dark")


def theme() -> str:
    chosen = request.cookies.get(COOKIE, SYSTEM)
    return chosen if chosen in THEMES else SYSTEM


def remember(response: Response, chosen: str) -> Response:
    """What is no theme changes nothing."""
    if chosen in THEMES:
        remember_choice(response, COOKIE, chosen)
    return response


def set_up(app: Flask) -> None:
    app.context_processor(lambda: {"theme": theme()})
