"""What a browser chose for itself, which is no secret and nobody's data: language and colours."""

from __future__ import annotations

from flask import Response

from hufu_console.web.context import settings

YEAR = 365 * 24 * 3600


def remember_choice(response: Response, cookie: str, value: str) -> None:
    response.set_cookie(cookie, value, max_age=YEAR, httponly=True, samesite="Lax", secure=settings().cookie_secure)
