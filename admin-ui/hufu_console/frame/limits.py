"""Limits per network address, counted in Redis under a keyed hash; in memory while Redis is away."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request
from flask_limiter import Limiter

# Requests an address may make to a page that mails, checks a code or stores something.
CODES = "30 per hour"
TRIES = "60 per hour"
SENDING = "30 per hour"
CHECKS = "600 per hour"
SEARCHES = "240 per minute"


def set_up(app: Flask, *, storage_url: str, hash_address: Callable[[str], str], enabled: bool) -> Limiter:
    limiter = Limiter(
        key_func=lambda: hash_address(request.remote_addr or ""),
        storage_uri=storage_url,
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1} if storage_url.startswith("redis") else {},
        in_memory_fallback_enabled=True,
        in_memory_fallback=["600 per hour"],
        key_prefix="hufu-console",
        headers_enabled=False,
        enabled=enabled,
    )
    limiter.init_app(app)
    # The limits on routes hold it only weakly.
    app.extensions["hufu_limiter"] = limiter
    return limiter
