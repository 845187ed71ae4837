"""Limits per network address, counted in Redis under a keyed hash; in memory while Redis is away."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, request
from flask_limiter import Limiter

# What one address may send. A whole office may share one, so these only stop machines; the mailbox, the browser
# and the account have limits of their own in the registry, and Keycloak guards its own door.
CODES = "300 per hour"
TRIES = "600 per hour"
SENDING = "300 per hour"
CHECKS = "600 per minute"
SEARCHES = "1200 per minute"
SIGN_INS = "600 per minute"


def set_up(app: Flask, *, storage_url: str, hash_address: Callable[[str], str], enabled: bool) -> Limiter:
    limiter = Limiter(
        key_func=lambda: hash_address(request.remote_addr or ""),
        storage_uri=storage_url,
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1} if storage_url.startswith("redis") else {},
        in_memory_fallback_enabled=True,
        key_prefix="hufu-console",
        headers_enabled=False,
        enabled=enabled,
    )
    limiter.init_app(app)
    # The limits on routes hold it only weakly.
    app.extensions["hufu_limiter"] = limiter
    return limiter
