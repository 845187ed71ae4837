"""The lists of held sets, and of who loses what by an act: before somebody confirmed it, and of a held set."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_babel.speaklater import LazyString

from hufu_console.guard.queries import HeldChangeRow, with_names
from hufu_console.web.context import policy
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage, words
from hufu_console.web.paging import Read
from hufu_registry.guard import store
from hufu_registry.guard.model import Change, HeldState
from hufu_registry.guard.permissions import RELEASE_HELD_CHANGES
from hufu_registry.kernel.paging import Page, Paged

WORDS = "guard/_labels.html"
ALL = "all"


def read_held_changes(asked: Asked) -> Read[HeldChangeRow]:
    def read(connection: sa.Connection, page: Page) -> Paged[HeldChangeRow]:
        state = asked.choice("state", HeldState)
        held_changes = store.list_held_changes(connection, page, state=state, sort=asked.sort)
        return Paged(with_names(connection, held_changes.rows), held_changes.total, page)

    return read


def read_changes(asked: Asked) -> Read[Change]:
    """Raises NotFound("held_change")."""
    held_id = UUID(asked.args["held_id"])

    def read(connection: sa.Connection, page: Page) -> Paged[Change]:
        store.held_change_of(connection, held_id)
        return store.changes_page(connection, held_id, page, sort=asked.sort)

    return read


def why_held() -> str:
    limits = policy()
    text: str = _(
        "An act that would disable, delete, move, or take rights from more than %(most)s accounts, or from more than "
        "%(few)s and more than %(percent)s %% of an agency, is stored here until a system manager releases it.",
        most=limits.guard_most, few=limits.guard_agency_more_than, percent=limits.guard_agency_percent,
    )  # fmt: skip
    return text


HELD_CHANGES = ListPage(
    "guard.held_changes",
    _l("Changes on hold"),
    help=("system", "on-hold"),
    lead=_l("Acts that would take something from many accounts. Nothing of them has happened yet."),
    count=lambda num: ngettext("%(num)s change on hold", "%(num)s changes on hold", num),
    columns=(
        Column("kind", _l("What"), lambda row: words(WORDS, "held_word", row.held_change.kind), sort=True),
        Column("cause", _l("About"), lambda row: row.held_change.cause, sort=True),
        Column("count", _l("Accounts"), lambda row: row.held_change.count, num=True, sort=True),
        Column("requested_by", _l("Requested by"), lambda row: row.requested_by),
        Column("requested_at", _l("At"), lambda row: row.held_change.requested_at, sort=True),
        Column("state", _l("State"), lambda row: words(WORDS, "state_word", row.held_change.state.value), sort=True),
        Column("decided_by", _l("Decided by"), lambda row: row.decided_by, page=False),
        Column("decided_at", _l("Decided at"), lambda row: row.held_change.decided_at, page=False),
        Column("reason", _l("Reason in words"), lambda row: row.held_change.reason, page=False),
    ),
    read=read_held_changes,
    filters=(
        Filter(
            "state", _l("State"), lambda value: words(WORDS, "state_word", value),
            options=(*HeldState, ALL), default=HeldState.HELD, unfiltered=ALL,
        ),
    ),
    cells="guard/_held_changes.html",
    nothing=Empty(
        _l("No change is on hold."), help=LazyString(why_held), link=_l("Show the decided ones, too"), to={"state": ALL}
    ),
    unmatched=Empty(_l("No change is like that."), link=_l("Show those on hold")),
    sheet="guard.held_changes_xlsx",
    permission=RELEASE_HELD_CHANGES,
    recorded="held_changes",
)  # fmt: skip


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
    nothing=Empty(_l("No change is like that.")),
)

CHANGES = replace(
    ABOUT_TO_LOSE,
    count=lambda num: ngettext("%(num)s change", "%(num)s changes", num),
    columns=[replace(column, sort=True) for column in ABOUT_TO_LOSE.columns],
    read=read_changes,
    sheet="guard.held_change_xlsx",
    permission=RELEASE_HELD_CHANGES,
    recorded="held_change",
)
