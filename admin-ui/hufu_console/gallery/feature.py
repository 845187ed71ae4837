"""What the gallery brings."""

from __future__ import annotations

from hufu_console.gallery.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature

FEATURE = ConsoleFeature(
    "gallery",
    ROUTES,
)
