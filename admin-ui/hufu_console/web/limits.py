"""Limits per network address, counted in Redis under a keyed hash; in memory while Redis is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from flask import Flask, request
from flask_limiter import Limiter, RateLimitExceeded

from hufu_console.web.routing import Route
from hufu_registry.kernel.actor import network_of
from hufu_registry.kernel.errors import RateLimited

# What one network may send. A whole office may share one, so these only stop machines, and for a minute at most; the
# mailbox, the browser and the account have limits of their own in the registry, and so have mailboxes that a network
# asks codes for and never proves; Keycloak guards its own door.
CODES = "120 per minute"
TRIES = "240 per minute"
SENDING = "120 per minute"
CHECKS = "600 per minute"
SEARCHES = "1200 per minute"
SIGN_INS = "600 per minute"


def set_up(
    app: Flask, routes: Iterable[Route], *, storage_url: str, hash_address: Callable[[str], str], enabled: bool
) -> None:
    """To be called before whatever else looks at a request but its size and its being text."""
    limiter = Limiter(
        key_func=lambda: hash_address(network_of(request.remote_addr)),
        storage_uri=storage_url,
        storage_options={"socket_connect_timeout": 1, "socket_timeout": 1} if storage_url.startswith("redis") else {},
        in_memory_fallback_enabled=True,
        key_prefix="hufu-console",
        headers_enabled=False,
        enabled=enabled,
    )
    limiter.init_app(app)
    gates = {route.endpoint: gate(limiter, route) for route in routes if route.limit is not None}

    @app.before_request
    def look() -> None:
        """Raises RateLimited("too_often") with the seconds to wait."""
        try:
            if passes := gates.get(request.endpoint or ""):
                passes()
        except RateLimitExceeded as error:
            again = limiter.current_limit.reset_at if limiter.current_limit else 0
            raise RateLimited("too_often", seconds=max(1, again - int(time.time()))) from error


def gate(limiter: Limiter, route: Route) -> Callable[[], None]:
    """What counts a request to this address, before anything else looks at it."""

    def passes() -> None:
        pass

    # The limiter knows functions by their names.
    passes.__qualname__ = passes.__name__ = f"gate of {route.endpoint}"
    methods = ["POST"] if "POST" in route.methods else None
    return limiter.shared_limit(str(route.limit), scope=route.endpoint, methods=methods)(passes)
