"""審核案件: the queue, one case, and the decision."""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from hufu_console.cases import queries
from hufu_console.cases.forms import ApproveForm, RejectForm
from hufu_console.cases.lists import QUEUE
from hufu_console.web import lists
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, registry
from hufu_console.web.feature import composition
from hufu_console.web.lists import words
from hufu_console.web.numbers import version_in
from hufu_console.web.viewer import viewer
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.engine.model import CaseMove
from hufu_registry.kernel.errors import Conflict, HufuError, IllegalMove
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.outbox import STATE_TARGETS, Target

queue = lists.page(QUEUE)
search = lists.search(QUEUE)


def case(case_id: CaseId) -> ResponseReturnValue:
    """GET shows it, with the form of its approval; POST, at an address of its own, approves it."""
    view = queries.view_of(viewer(), case_id)
    form: ApproveForm = filled(composition().approvals.get(view.case.type, ApproveForm), version=view.case.version)

    def act() -> ResponseReturnValue:
        command = cases.Approve(case_id, version_in(form.version), form.entered())
        cases.approve(command, registry(), actor())
        return done(words(f"cases/types/{view.case.type}.html", "approved"), page_of(case_id), targets=STATE_TARGETS)

    return decision_page(view, form, "cases/case.html", act)


def reject(case_id: CaseId) -> ResponseReturnValue:
    view = queries.view_of(viewer(), case_id)
    form: RejectForm = filled(RejectForm, version=view.case.version)
    if request.method == "GET" and CaseMove.REJECT not in view.moves:
        return redirect(page_of(case_id), 303)

    def act() -> ResponseReturnValue:
        cases.reject(cases.Reject(case_id, version_in(form.version), str(form.reason.data or "")), registry(), actor())
        said = _("Rejected. The applicant gets a mail with the reason.")
        return done(said, page_of(case_id), targets=(Target.MAIL,))

    return decision_page(view, form, "cases/reject.html", act)


def decision_page(
    view: queries.CaseView, form: FlaskForm, template: str, act: Callable[[], ResponseReturnValue]
) -> ResponseReturnValue:
    """A case and what is decided on it; whoever comes late reads who was first."""
    try:
        return act_page(form, template, act, look_again=True, view=view, case=view.case, Move=CaseMove)
    except (IllegalMove, Conflict) as error:
        return meanwhile(view.case.id, error)


def page_of(case_id: CaseId) -> str:
    return url_for("cases.case", case_id=case_id)


def meanwhile(case_id: CaseId, error: HufuError) -> ResponseReturnValue:
    """Somebody was first: who, when, and what now."""
    case = queries.seen_case(viewer(), case_id)
    page = render_template("cases/meanwhile.html", case=case, error=error, decider=queries.decider(case))
    return page, 409
