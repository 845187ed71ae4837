"""The composition: every feature's addresses, once. A new feature is a line here and its folder."""

from __future__ import annotations

from hufu_console.accounts.routes import ROUTES as ACCOUNTS
from hufu_console.agencies.routes import ROUTES as AGENCIES
from hufu_console.cases.routes import ROUTES as CASES
from hufu_console.gallery.routes import ROUTES as GALLERY
from hufu_console.guard.routes import ROUTES as GUARD
from hufu_console.home.routes import ROUTES as HOME
from hufu_console.public.routes import ROUTES as PUBLIC
from hufu_console.sign_in.routes import ROUTES as SIGN_IN
from hufu_console.sync.routes import ROUTES as SYNC
from hufu_console.web.routing import Route


def routes(*, gallery: bool) -> tuple[Route, ...]:
    every = (*HOME, *PUBLIC, *SIGN_IN, *CASES, *ACCOUNTS, *AGENCIES, *GUARD, *SYNC)
    return (*every, *GALLERY) if gallery else every
