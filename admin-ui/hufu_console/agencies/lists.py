"""The lists of agencies and units: the top of the tree, what stands below a place, what a search found."""

from __future__ import annotations

from dataclasses import replace

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.agencies.queries import agency_name, in_scope
from hufu_console.web.context import now
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage, words
from hufu_console.web.moments import roc_date
from hufu_console.web.numbers import number_of
from hufu_console.web.paging import Read
from hufu_registry.agencies.permissions import EDIT_UNITS
from hufu_registry.agencies.store import AgencyHit, TreeRow, children, places, search
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AgencyId

LABELS = "agencies/_labels.html"


def is_agency_id(text: str) -> bool:
    return number_of(text) is not None


def agency_and_below(text: str) -> str:
    """Empty for an agency that is none."""
    name = agency_name(AgencyId(int(text)))
    return _("Agency: %(name)s and below", name=name) if name else ""


# For lists of what belongs to agencies.
OF_AGENCY = Filter("agency", _l("Agency"), agency_and_below, accepts=is_agency_id, picked_at="agencies.pick")


def agency_in(asked: Asked) -> AgencyId | None:
    chosen = asked.filters[OF_AGENCY.name]
    return AgencyId(int(chosen)) if chosen else None


def read_below(asked: Asked) -> Read[TreeRow]:
    """What stands right below the agency of the address, or at the top."""
    place, day = asked.args.get("agency_id"), taipei_date(now())
    parent = None if place is None else AgencyId(int(place))
    return lambda connection, page: children(connection, parent, page, on=day, sort=asked.sort)


def read_own(asked: Asked) -> Read[TreeRow]:
    """All that the viewer manages."""
    mine, day = in_scope(EDIT_UNITS, now()), taipei_date(now())
    return lambda connection, page: places(connection, mine, page, on=day, sort=asked.sort)


def read_found(asked: Asked) -> Read[AgencyHit]:
    day = taipei_date(now())
    return lambda connection, page: search(connection, asked.words, page, on=day)


def found_words(num: int) -> str:
    """Where none is found, those that are shown are only near."""
    if num:
        return str(ngettext("%(num)s agency found.", "%(num)s agencies found.", num))
    return str(_("No agency is called so. These have the nearest names:"))


TREE = ListPage(
    "agencies.tree",
    _l("Agencies and units"),
    lead=_l("The tree of agencies and their units."),
    count=lambda _num: _("At the top"),
    columns=(
        Column("name", _l("Agency or unit"), lambda row: row.name, sort=True),
        Column("path", _l("Full path"), lambda row: row.full_name, page=False),
        Column("kind", _l("Kind"), lambda row: words(LABELS, "kind_word", row.kind.value), sort=True),
        Column("oid", _l("OID"), lambda row: row.oid, sort=True),
        Column("code", _l("Code"), lambda row: row.agency_code, sort=True),
        Column("below", _l("Below"), lambda row: row.children, num=True, sort=True),
    ),
    read=read_below,
    words=_l("Any part of the name, a short or former name, code or OID"),
    search="agencies.search",
    as_typed="agencies.found",
    cells="agencies/_cells.html",
    nothing=Empty(
        _l("There are no agencies yet."),
        help=_l("The operator imports the government's list with the command hufu agencies import."),
    ),
    sheet="agencies.tree_xlsx",
    recorded="agencies",
    permission=EDIT_UNITS,
)

# The tree's spreadsheet: not its top, but whatever its taker manages.
OWN = replace(TREE, read=read_own, words=None)

BELOW = replace(
    TREE,
    endpoint="agencies.agency",
    count=lambda num: ngettext("%(num)s open place", "%(num)s open places", num),
    words=None,
    sheet="",
    nothing=Empty(_l("Nothing stands below it.")),
)

FOUND = ListPage(
    TREE.endpoint,
    TREE.title,
    lead=TREE.lead,
    count=found_words,
    columns=(
        Column("name", _l("Agency or unit"), lambda row: row.name),
        Column("path", _l("Full path"), lambda row: row.full_name),
        Column("kind", _l("Kind"), lambda row: words(LABELS, "kind_word", row.kind.value)),
        Column("oid", _l("OID"), lambda row: row.oid),
        Column("code", _l("Code"), lambda row: row.agency_code, page=False),
        Column("closed_on", _l("Closed on"), lambda row: roc_date(row.closed_on), page=False),
    ),
    read=read_found,
    words=TREE.words,
    search=TREE.search,
    as_typed=TREE.as_typed,
    cells=TREE.cells,
    nothing=Empty(
        _l("No agency matches."), help=_l("Try another part of its name, its short name, a former name, or its OID.")
    ),
    sheet="agencies.found_xlsx",
    recorded="agencies.found",
    permission=EDIT_UNITS,
)
