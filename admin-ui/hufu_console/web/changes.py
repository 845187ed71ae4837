"""Who loses what by an act, as a list: before somebody confirmed it, and of a held set."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.web.lists import Asked, Column, Empty, ListPage, words
from hufu_console.web.paging import Read
from hufu_registry.guard.model import Change

WORDS = "guard/_labels.html"


def not_read(_asked: Asked) -> Read[Change]:
    """What an act would do is worked out by the act itself."""
    raise NotImplementedError


ABOUT_TO_LOSE = ListPage(
    "guard.held_change",
    _l("Who loses what"),
    count=lambda num: ngettext("%(num)s account", "%(num)s accounts", num),
    columns=(
        Column("account", _l("Account"), lambda row: row.account_name),
        Column("agency", _l("Agency"), lambda row: row.agency_name),
        Column("kind", _l("What happens"), lambda row: words(WORDS, "change_word", row.kind.value)),
        Column("before", _l("Before"), lambda row: words(WORDS, "value_word", row.kind.value, row.before)),
        Column("after", _l("After"), lambda row: words(WORDS, "value_word", row.kind.value, row.after)),
    ),
    read=not_read,
    cells="guard/_changes.html",
    nothing=Empty(_l("No set is like that.")),
)
