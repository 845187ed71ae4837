"""The list of what the viewer was told."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.web.language import notice_title
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage
from hufu_console.web.paging import Read
from hufu_console.web.viewer import viewer
from hufu_registry.bell.model import BellEntry
from hufu_registry.bell.store import entries_of

UNREAD, ALL = "unread", "all"


def read_entries(asked: Asked) -> Read[BellEntry]:
    me, only_unread = viewer().account_id, asked.filters["show"] == UNREAD
    return lambda connection, page: entries_of(connection, me, page, only_unread=only_unread)


ENTRIES = ListPage(
    "bell.entries",
    _l("Notifications"),
    help=("official", "notifications"),
    lead=_l("What is new for you. You were mailed each of them, too."),
    count=lambda num: ngettext("%(num)s notification", "%(num)s notifications", num),
    columns=(
        Column("notice", _l("What"), lambda row: notice_title(row.notice)),
        Column("mark", _l("Case or agency"), lambda row: row.mark),
        Column("told_at", _l("When"), lambda row: row.told_at),
    ),
    read=read_entries,
    filters=(
        Filter(
            "show", _l("Show"), lambda value: _("Unread") if value == UNREAD else _("All"),
            options=(ALL, UNREAD), default=ALL, unfiltered=ALL,
        ),
    ),
    intro="bell/_read_all.html",
    cells="bell/_cells.html",
    nothing=Empty(
        _l("Nothing is new for you."), help=_l("What waits for you, or happens to your account, appears here.")
    ),
    unmatched=Empty(_l("You have read everything."), link=_l("Show all")),
)  # fmt: skip
