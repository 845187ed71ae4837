"""The queue of cases."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.cases.queries import agency_name, case_types
from hufu_console.web.context import now
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage, day_of, words
from hufu_console.web.moments import age, roc_date
from hufu_console.web.numbers import number_of
from hufu_console.web.paging import Read
from hufu_console.web.viewer import viewer
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.cases.engine.store import QueueFilter, QueueRow, queue
from hufu_registry.kernel.ids import AgencyId

WORDS = "cases/_labels.html"
ALL = "all"


def is_agency_id(text: str) -> bool:
    return number_of(text) is not None


def agency_and_below(text: str) -> str:
    """Empty for an agency that is none."""
    name = agency_name(AgencyId(int(text)))
    return _("Agency: %(name)s and below", name=name) if name else ""


def read_queue(asked: Asked) -> Read[QueueRow]:
    """Those in the viewer's scope."""
    me, moment, agency = viewer().account_id, now(), asked.filters["agency"]
    only = QueueFilter(
        state=asked.choice("state", CaseState),
        words=asked.words,
        agency_id=AgencyId(int(agency)) if agency else None,
        since=asked.day("since"),
        until=asked.day("until"),
    )
    return lambda connection, page: queue(connection, me, moment, case_types(), page, only, sort=asked.sort)


def waits(row: QueueRow) -> str:
    """How long, while nobody has decided."""
    return age(row.created_at, now()) if row.state is CaseState.PENDING else ""


QUEUE = ListPage(
    "cases.queue",
    _l("Tasks"),
    help=("manager", "queue"),
    lead=_l("Applications in your scope. Those waiting longest come first."),
    count=lambda num: ngettext("%(num)s case", "%(num)s cases", num),
    columns=(
        Column("number", _l("Case"), lambda row: row.number, sort=True),
        Column("subject", _l("Applicant"), lambda row: row.subject, sort=True),
        Column("account_name", _l("Account name"), lambda row: row.account_name),
        Column("agency", _l("Agency and unit"), lambda row: f"{row.agency_name} {row.unit_name}".strip()),
        Column("waits", _l("Waits"), waits),
        Column("created_at", _l("Sent"), lambda row: row.created_at, sort=True),
        Column("state", _l("State"), lambda row: words(WORDS, "case_word", row.state.value)),
    ),
    read=read_queue,
    words=_l("Name, account name or case number"),
    search="cases.search",
    filters=(
        Filter("agency", _l("Agency"), agency_and_below, accepts=is_agency_id),
        Filter(
            "state", _l("State"), lambda value: words(WORDS, "case_word", value),
            options=(*CaseState, ALL), default=CaseState.PENDING, unfiltered=ALL,
        ),
        Filter("since", _l("Sent from"), lambda day: _("Sent from %(day)s", day=roc_date(day_of(day))), day=True),
        Filter("until", _l("Sent up to"), lambda day: _("Sent up to %(day)s", day=roc_date(day_of(day))), day=True),
    ),
    cells="cases/_queue.html",
    nothing=Empty(
        _l("No case waits for you."),
        help=_l("When somebody applies in your scope, the case stands here and you get a mail."),
        link=_l("Show the decided ones, too"),
        to={"state": ALL},
    ),
    unmatched=Empty(_l("No case in your scope is like that."), link=_l("Show those that wait")),
)  # fmt: skip
