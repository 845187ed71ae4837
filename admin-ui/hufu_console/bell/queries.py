"""What is new for the viewer."""

from __future__ import annotations

from hufu_console.web.context import reading
from hufu_console.web.viewer import Viewer
from hufu_registry.bell.store import unread


def count_unread(viewer: Viewer) -> int:
    with reading() as work:
        return unread(work.connection, viewer.account_id)
