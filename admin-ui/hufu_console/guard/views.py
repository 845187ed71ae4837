"""保留的異動: acts that take something from many accounts, until a system manager releases or throws them away."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.guard.use_cases as acts
from hufu_console.guard import queries
from hufu_console.guard.forms import CancelForm, VersionForm
from hufu_console.guard.lists import CHANGES, HELD_CHANGES
from hufu_console.web import lists
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, policy, registry
from hufu_console.web.numbers import version_in
from hufu_console.web.sentences import sentence, sentence_of
from hufu_console.web.viewer import viewer
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid
from hufu_registry.kernel.outbox import STATE_TARGETS

held_changes = lists.page(HELD_CHANGES)


def held_change(held_id: UUID) -> str:
    view = queries.view_of(viewer(), held_id)
    return render_template(
        "guard/held_change.html", view=view, policy=policy(),
        failure=sentence_of(view.held_change.failure) if view.held_change.failure else "",
        changes=lists.listing_of(CHANGES, held_id=held_id),
    )  # fmt: skip


def release(held_id: UUID) -> ResponseReturnValue:
    """GET names how many lose something, POST carries it out. What stands against it is said beside the set, whose list
    may be a new one.
    """
    view = queries.view_of(viewer(), held_id)
    form, back = filled(VersionForm, version=view.held_change.version), held_change_page(held_id)

    def act() -> ResponseReturnValue:
        try:
            outcome = acts.release(held_id, version_in(form.version), registry(), actor())
        except (Conflict, IllegalMove, Invalid) as error:
            flash(sentence(error), "refused")
            return redirect(back, 303)
        run = url_for("sync.run", run_id=outcome.run_id) if outcome.run_id else None
        return done(_("Carried out. The systems follow within minutes."), run or back, targets=STATE_TARGETS)

    return act_page(form, "guard/release.html", act, view=view, back=back)


def cancel(held_id: UUID) -> ResponseReturnValue:
    view = queries.view_of(viewer(), held_id)
    form, back = filled(CancelForm, version=view.held_change.version), held_change_page(held_id)

    def act() -> ResponseReturnValue:
        acts.cancel(held_id, version_in(form.version), registry(), actor(), str(form.reason.data or ""))
        return done(_("Thrown away. Nothing of it has happened."), back)

    return act_page(form, "guard/cancel.html", act, look_again=True, view=view, back=back)


def held_change_page(held_id: UUID) -> str:
    return url_for("guard.held_change", held_id=held_id)
