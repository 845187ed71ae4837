"""The addresses of the help: a page for each reader, open to him and to whoever may do more."""

from __future__ import annotations

from collections.abc import Mapping

from hufu_console.help import views
from hufu_console.help.manual import Reader
from hufu_console.web.routing import PUBLIC, SIGNED_IN, Access, Route
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.kernel.permissions import Permission
from hufu_registry.sync.permissions import ADMINISTER_SYNC

OPEN_TO: Mapping[Reader, Access | Permission] = {
    Reader.APPLICANT: PUBLIC,
    Reader.OFFICIAL: SIGNED_IN,
    Reader.MANAGER: SEE_ACCOUNTS,
    Reader.SYSTEM: ADMINISTER_SYNC,
    Reader.INTEGRATOR: PUBLIC,
}

ROUTES = (
    Route("/help", "help.start", views.start, PUBLIC),
    *(
        Route(f"/help/{reader}", f"help.{reader}", views.page, asks, values={"reader": reader})
        for reader, asks in OPEN_TO.items()
    ),
)
