"""What 常用篩選 bring."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.filters.routes import ROUTES
from hufu_console.web.doors import Door
from hufu_console.web.feature import ConsoleFeature

SENTENCES = {
    "saved_filter": _l("There is no such filter any more."),
    "filters_many": _l("You keep %(most)s filters of this list already. Please delete one first."),
    "list_unknown": _l("There is no such list, or its filter is too long to be kept."),
}

FEATURE = ConsoleFeature(
    "filters",
    ROUTES,
    doors={
        Door.SAVE_FILTER: "filters.save",
        Door.PUT_FILTER_FIRST: "filters.put_first",
        Door.DELETE_FILTER: "filters.delete",
    },
    sentences=SENTENCES,
)
