"""The queue of cases."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.agencies.lists import OF_AGENCY, agency_in
from hufu_console.cases.queries import case_types
from hufu_console.web.context import now
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage, day_of, words
from hufu_console.web.moments import age, roc_date
from hufu_console.web.paging import Read
from hufu_console.web.viewer import viewer
from hufu_registry.cases.engine.model import CaseState
from hufu_registry.cases.engine.store import QueueFilter, QueueRow, queue
from hufu_registry.cases.permissions import SEE_CASES

WORDS = "cases/_labels.html"
ALL = "all"
TYPES = tuple(case_types())


def type_word(name: str) -> str:
    return words(f"cases/types/{name}.html", "lead")


def read_queue(asked: Asked) -> Read[QueueRow]:
    """Those in the viewer's scope."""
    me, moment = viewer().account_id, now()
    only = QueueFilter(
        state=asked.choice("state", CaseState),
        type=asked.filters["type"],
        words=asked.words,
        agency_id=agency_in(asked),
        within=viewer().works_at,
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
        # While there is one type alone, each row would say the same.
        Column("type", _l("Type of case"), lambda row: type_word(row.type), sort=True, page=len(TYPES) > 1),
        Column("subject", _l("Applicant"), lambda row: row.subject, sort=True),
        Column("detail", _l("Details"), lambda row: row.detail, page=False),
        Column("account_name", _l("Account name"), lambda row: row.account_name, sort=True),
        Column("agency", _l("Agency and unit"), lambda row: f"{row.agency_name} {row.unit_name}".strip(), sort=True),
        Column("waits", _l("Waits"), waits, sort=True),
        Column("created_at", _l("Sent"), lambda row: row.created_at, sort=True),
        Column("decided_at", _l("Decided at"), lambda row: row.decided_at, page=False),
        Column("state", _l("State"), lambda row: words(WORDS, "case_word", row.state.value), sort=True),
    ),
    read=read_queue,
    words=_l("Name, account name or case number"),
    search="cases.search",
    filters=(
        OF_AGENCY,
        Filter("type", _l("Type of case"), type_word, options=("", *TYPES)),
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
    sheet="cases.queue_xlsx",
    recorded="cases",
    permission=SEE_CASES,
)  # fmt: skip
