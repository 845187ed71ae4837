"""The composition: every feature of the console, once. A new one is an import and a line here, and its folder."""

from __future__ import annotations

from hufu_console.accounts.feature import FEATURE as ACCOUNTS
from hufu_console.agencies.feature import FEATURE as AGENCIES
from hufu_console.bell.feature import FEATURE as BELL
from hufu_console.cases.feature import FEATURE as CASES
from hufu_console.exports.feature import FEATURE as EXPORTS
from hufu_console.filters.feature import FEATURE as FILTERS
from hufu_console.gallery.feature import FEATURE as GALLERY
from hufu_console.guard.feature import FEATURE as GUARD
from hufu_console.help.feature import FEATURE as HELP
from hufu_console.home.feature import FEATURE as HOME
from hufu_console.public.feature import FEATURE as PUBLIC
from hufu_console.sign_in.feature import FEATURE as SIGN_IN
from hufu_console.sync.feature import FEATURE as SYNC
from hufu_console.web.feature import ConsoleFeature
from hufu_console.web.routing import Route

# A feature sees only those below it.
FEATURES = (
    HOME,
    HELP,
    PUBLIC,
    CASES,
    ACCOUNTS,
    SYNC,
    AGENCIES,
    GUARD,
    EXPORTS,
    FILTERS,
    BELL,
    SIGN_IN,
)


def features(*, gallery: bool) -> tuple[ConsoleFeature, ...]:
    """The gallery is for test builds alone."""
    return (*FEATURES, GALLERY) if gallery else FEATURES


def routes(*, gallery: bool) -> tuple[Route, ...]:
    return tuple(route for feature in features(gallery=gallery) for route in feature.routes)
