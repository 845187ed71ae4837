"""審核案件: the queue, one case, and the decision."""

from __future__ import annotations

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hufu_console.cases import queries
from hufu_console.cases.forms import ApproveForm, RejectForm
from hufu_console.cases.lists import QUEUE
from hufu_console.web import drafts, lists
from hufu_console.web.context import actor, registry
from hufu_console.web.faults import show_faults
from hufu_console.web.numbers import version_in
from hufu_console.web.viewer import viewer
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.engine.model import CaseMove
from hufu_registry.kernel.errors import Conflict, HufuError, IllegalMove, Invalid
from hufu_registry.kernel.ids import CaseId

queue = lists.page(QUEUE)
search = lists.search(QUEUE)


def case(case_id: CaseId) -> str:
    view = queries.view_of(viewer(), case_id)
    form = ApproveForm(formdata=drafts.typed(), data={"version": view.case.version})
    return case_page(view, form)


def case_page(view: queries.CaseView, form: ApproveForm) -> str:
    form.version.data = str(view.case.version)
    moves = frozenset() if view.own else view.case.moves()
    return render_template("cases/case.html", view=view, case=view.case, form=form, moves=moves, Move=CaseMove)


def approve(case_id: CaseId) -> ResponseReturnValue:
    form = ApproveForm()
    command = cases.Approve(case_id, version_in(form.version), {"official_mail": str(form.official_mail.data or "")})
    try:
        cases.approve(command, registry(), actor())
    except Invalid as error:
        show_faults(form, error.fields, error.context)
        return case_page(queries.view_of(viewer(), case_id), form), 422
    except (IllegalMove, Conflict) as error:
        return meanwhile(case_id, error)
    flash(_("Approved. The account is being made; the applicant gets a mail."), "good")
    return redirect(url_for("cases.case", case_id=case_id), 303)


def reject_form(case_id: CaseId) -> ResponseReturnValue:
    view = queries.view_of(viewer(), case_id)
    if view.own or CaseMove.REJECT not in view.case.moves():
        return redirect(url_for("cases.case", case_id=case_id), 303)
    form = RejectForm(formdata=drafts.typed(), data={"version": view.case.version})
    form.version.data = str(view.case.version)
    return render_template("cases/reject.html", view=view, case=view.case, form=form)


def reject(case_id: CaseId) -> ResponseReturnValue:
    form = RejectForm()
    command = cases.Reject(case_id, version_in(form.version), str(form.reason.data or ""))
    try:
        cases.reject(command, registry(), actor())
    except Invalid as error:
        show_faults(form, error.fields, error.context)
        view = queries.view_of(viewer(), case_id)
        return render_template("cases/reject.html", view=view, case=view.case, form=form), 422
    except (IllegalMove, Conflict) as error:
        return meanwhile(case_id, error)
    flash(_("Rejected. The applicant gets a mail with the reason."), "good")
    return redirect(url_for("cases.case", case_id=case_id), 303)


def meanwhile(case_id: CaseId, error: HufuError) -> ResponseReturnValue:
    """Somebody was first: who, when, and what now."""
    found = queries.seen_case(viewer(), case_id)
    page = render_template("cases/meanwhile.html", case=found, error=error, decider=queries.decider(found))
    return page, 409
