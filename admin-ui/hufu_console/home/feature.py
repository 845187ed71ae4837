"""What the first page brings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.home.routes import ROUTES
from hufu_console.web.doors import Door
from hufu_console.web.feature import ConsoleFeature, MenuEntry, MenuGroup

FEATURE = ConsoleFeature(
    "home",
    ROUTES,
    menu=(MenuEntry(_l("Home"), "home.home", MenuGroup.HOME),),
    doors={
        Door.FIRST_PAGE: "home.home",
        Door.HEALTH: "home.healthz",
        Door.THEME: "home.choose_theme",
        Door.SEARCH: "home.search",
        Door.WORK_AT: "home.choose_place",
    },
)
