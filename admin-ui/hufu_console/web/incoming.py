"""What is sent, looked at before anything else reads it: how much it is, and whether it is text at all."""

from __future__ import annotations

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

from hufu_console.web.feature import composition
from hufu_registry.kernel.errors import Invalid, NotFound

# The longest form of strangers, filled with Chinese to the brim, takes less than 12 kB.
MOST_BYTES_OF_STRANGERS = 16_000
NUL = "\x00"


def look() -> None:
    """Raises RequestEntityTooLarge, NotFound("page"), Invalid("control_character")."""
    route = composition().routes.get(request.endpoint or "")
    if route is not None and route.is_open:
        request.max_content_length = MOST_BYTES_OF_STRANGERS
    if request.max_content_length is not None and (request.content_length or 0) > request.max_content_length:
        raise RequestEntityTooLarge
    if NUL in request.path:
        raise NotFound("page")
    # PostgreSQL stores none and knows nothing that has one.
    for name, value in request.values.items(multi=True):
        if NUL in name or NUL in value:
            raise Invalid("control_character")


def set_up(app: Flask) -> None:
    """To be called before whatever else looks at a request: forms' tokens, limits, sessions."""
    app.before_request(look)
