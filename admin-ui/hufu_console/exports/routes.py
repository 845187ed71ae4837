"""The addresses of 匯出. Each is its owner's alone; that he still may have the list, the use case asks."""

from __future__ import annotations

from hufu_console.exports import views
from hufu_console.web.routing import POST, SIGNED_IN, Route

ONE = "/exports/<uuid:export_id>"

ROUTES = (
    Route(ONE, "exports.export", views.export, SIGNED_IN),
    Route(f"{ONE}/progress", "exports.progress", views.progress, SIGNED_IN, by_itself=True),
    Route(f"{ONE}/file", "exports.download", views.download, SIGNED_IN),
    Route(f"{ONE}/retry", "exports.retry", views.retry, SIGNED_IN, POST),
)
