"""The address of the gallery; only in a test build."""

from __future__ import annotations

from hufu_console.gallery import views
from hufu_console.web.routing import PUBLIC, Route

ROUTES = (Route("/__parts", "gallery.gallery", views.gallery, PUBLIC),)
