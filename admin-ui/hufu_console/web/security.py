"""Headers that keep strangers' code, frames and caches out."""

from __future__ import annotations

from flask import Flask, Response, request

# Bootstrap draws its ticks and arrows as data; everything else is ours.
DIRECTIVES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)


def set_up(app: Flask, *, sign_in_server: str, https: bool) -> None:
    # Signing in and out redirects a sent form to the sign-in server, and browsers check that too.
    policy = "; ".join((*DIRECTIVES, f"form-action 'self' {sign_in_server}"))

    @app.after_request
    def protect(response: Response) -> Response:
        headers = response.headers
        headers["Content-Security-Policy"] = policy
        headers["X-Content-Type-Options"] = "nosniff"
        headers["X-Frame-Options"] = "DENY"
        headers["Referrer-Policy"] = "same-origin"
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        if request.endpoint == "static":
            headers["Cache-Control"] = "no-cache"  # kept, and asked for again by its tag
        else:
            headers["Cache-Control"] = "no-store"
        if https:
            headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
        return response
