"""What 審核案件 bring."""

from __future__ import annotations

from flask import url_for
from flask_babel import lazy_gettext as _l

from hufu_console.cases import queries
from hufu_console.cases.lists import QUEUE
from hufu_console.cases.routes import ROUTES
from hufu_console.cases.types.activation import APPLICATION_FIELDS, ApproveActivation
from hufu_console.web.feature import ConsoleFeature, HomeBlock, MenuEntry, MenuGroup, Waiting
from hufu_registry.cases.types.activation import ACTIVATION

SENTENCES = {
    "case": _l("There is no such case, or it is not yours to see."),
    "case_unreadable": _l(
        "What case %(number)s holds cannot be read: a key is missing, or the data is damaged. Nothing was changed. "
        "Please tell the system manager, who can bring it back from a backup."
    ),
    "case_state": _l("This case is decided or withdrawn already."),
    "own_case": _l("Nobody decides his own case."),
    "no_collision": _l("The account name needs no change."),
}

EVENTS = {
    "case.applied": _l("Applied"),
    "case.changed": _l("The applicant changed the application"),
    "case.withdrawn": _l("Withdrawn by the applicant"),
    "case.approved": _l("Approved"),
    "case.rejected": _l("Rejected"),
    "case.name_collided": _l("The account name belongs to somebody else"),
    "case.name_chosen": _l("The applicant chose another account name"),
    "case.readdressed": _l("Goes on at the successor of its agency"),
}

EVENT_TAGS = {
    "case.approved": "good",
    "case.rejected": "refused",
    "case.withdrawn": "off",
    "case.name_collided": "waiting",
}

FEATURE = ConsoleFeature(
    "cases",
    ROUTES,
    menu=(MenuEntry(_l("Tasks"), "cases.queue", MenuGroup.TASKS),),
    searched=(QUEUE,),
    waits=(Waiting("cases.queue", queries.count_waiting),),
    home=(
        HomeBlock("cases/_home.html", 10, queries.first_waiting),
        HomeBlock("cases/_own.html", 95, queries.own_applications),
    ),
    sentences=SENTENCES,
    labels={"event": EVENTS, "event_tag": EVENT_TAGS, "dependent": {"cases": _l("open cases")}},
    approvals={ACTIVATION.name: ApproveActivation},
    template_values={"application_fields": APPLICATION_FIELDS},
    bell={"case": lambda case_id: url_for("cases.case", case_id=case_id)},
)
