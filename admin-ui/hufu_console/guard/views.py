"""保留的異動: acts that take something from many accounts, until a system manager releases or throws them away."""

from __future__ import annotations

from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.guard.use_cases as acts
from hufu_console.guard import queries
from hufu_console.guard.forms import CancelForm
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, policy, registry
from hufu_console.web.numbers import VERSION_DIGITS, number_of, version_in
from hufu_console.web.paging import asked_page, page_link, read_page
from hufu_console.web.sentences import sentence, sentence_of
from hufu_console.web.spreadsheet import Column, export, words
from hufu_console.web.viewer import viewer
from hufu_registry.guard.model import Change, HeldState
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid

ALL = "all"
WORDS = "guard/_labels.html"


def asked_state() -> HeldState | None:
    """Held ones unless the address says otherwise."""
    asked = request.args.get("state", HeldState.HELD.value)
    return None if asked == ALL else HeldState(asked) if asked in set(HeldState) else HeldState.HELD


def held_changes() -> str:
    state = asked_state()
    here = {"state": state.value if state else ALL}
    return render_template(
        "guard/held_changes.html", paged=read_page(queries.held_changes(state), asked_page()), here=here,
        states=[state.value for state in HeldState], policy=policy(),
        page_link=page_link("guard.held_changes", here),
    )  # fmt: skip


def held_changes_xlsx() -> Response:
    columns: list[Column[queries.HeldChangeRow]] = [
        (_("What"), lambda row: words(WORDS, "held_word", row.held_change.kind)),
        (_("About"), lambda row: row.held_change.cause),
        (_("Accounts"), lambda row: row.held_change.count),
        (_("Asked for by"), lambda row: row.requested_by),
        (_("At"), lambda row: row.held_change.requested_at),
        (_("State"), lambda row: words(WORDS, "state_word", row.held_change.state.value)),
        (_("Decided by"), lambda row: row.decided_by),
        (_("Decided at"), lambda row: row.held_change.decided_at),
        (_("Reason in words"), lambda row: row.held_change.reason),
    ]
    return export("held_changes", _("Held sets"), columns, queries.held_changes(asked_state()))


def held_change(held_id: UUID) -> str:
    view = queries.view_of(viewer(), held_id, asked_page())
    return render_template(
        "guard/held_change.html", view=view, policy=policy(),
        failure=sentence_of(view.held_change.failure) if view.held_change.failure else "",
        page_link=page_link("guard.held_change", {"held_id": held_id}),
    )  # fmt: skip


def held_change_xlsx(held_id: UUID) -> Response:
    queries.view_of(viewer(), held_id, asked_page())
    columns: list[Column[Change]] = [
        (_("Account"), lambda row: row.account_name),
        (_("Agency"), lambda row: row.agency_name),
        (_("What happens"), lambda row: words(WORDS, "change_word", row.kind)),
        (_("Before"), lambda row: words(WORDS, "value_word", row.kind, row.before)),
        (_("After"), lambda row: words(WORDS, "value_word", row.kind, row.after)),
    ]
    return export(f"held_change {held_id}", _("Who loses what"), columns, queries.changes(held_id))


def release(held_id: UUID) -> ResponseReturnValue:
    """GET names how many lose something, POST carries it out."""
    view = queries.view_of(viewer(), held_id, asked_page())
    if request.method == "GET":
        return render_template("guard/release.html", view=view)
    try:
        version = number_of(request.form.get("version"), digits=VERSION_DIGITS) or 0
        outcome = acts.release(held_id, version, registry(), actor())
    except (Conflict, IllegalMove, Invalid) as error:
        flash(sentence(error), "refused")
        return redirect(held_change_page(held_id), 303)
    run = url_for("sync.run", run_id=outcome.run_id) if outcome.run_id else None
    return done(_("Carried out. The systems follow within minutes."), run or held_change_page(held_id))


def cancel(held_id: UUID) -> ResponseReturnValue:
    view = queries.view_of(viewer(), held_id, asked_page())
    form, back = filled(CancelForm, version=view.held_change.version), held_change_page(held_id)

    def act() -> ResponseReturnValue:
        acts.cancel(held_id, version_in(form.version), registry(), actor(), str(form.reason.data or ""))
        return done(_("Thrown away. Nothing of it has happened."), back)

    return act_page(form, "guard/cancel.html", act, look_again=True, view=view, back=back)


def held_change_page(held_id: UUID) -> str:
    return url_for("guard.held_change", held_id=held_id)
