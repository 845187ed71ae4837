"""保留的異動: acts that take something from many accounts, until a system manager releases or throws them away."""

from __future__ import annotations

from functools import cache
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.effects.use_cases as acts
from hufu_console.accounts.reading import name_of
from hufu_console.effects import reading
from hufu_console.effects.forms import CancelForm
from hufu_console.frame import drafts
from hufu_console.frame.context import actor, registry
from hufu_console.frame.faults import show_faults
from hufu_console.frame.paging import asked_page, page_link, read_page
from hufu_console.frame.sentences import sentence, sentence_of
from hufu_console.frame.spreadsheet import Column, export, words
from hufu_console.frame.viewer import viewer
from hufu_registry.effects.model import Change, Effect, EffectState
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid

ALL = "all"
WORDS = "effects/_words.html"


def asked_state() -> EffectState | None:
    """Held ones unless the address says otherwise."""
    asked = request.args.get("state", EffectState.HELD.value)
    return None if asked == ALL else EffectState(asked) if asked in set(EffectState) else EffectState.HELD


def effects() -> str:
    state = asked_state()
    here = {"state": state.value if state else ALL}
    return render_template(
        "effects/effects.html", paged=read_page(reading.effects(state), asked_page()), name_of=name_of, here=here,
        states=[state.value for state in EffectState], policy=registry().policy,
        page_link=page_link("effects.effects", here),
    )  # fmt: skip


def effects_xlsx() -> Response:
    name = cache(name_of)
    columns: list[Column[Effect]] = [
        (_("What"), lambda row: words(WORDS, "effect_word", row.kind.value)),
        (_("About"), lambda row: row.cause),
        (_("Accounts"), lambda row: row.count),
        (_("Asked for by"), lambda row: name(row.requested_by)),
        (_("At"), lambda row: row.requested_at),
        (_("State"), lambda row: words(WORDS, "state_word", row.state.value)),
        (_("Decided by"), lambda row: name(row.decided_by)),
        (_("Decided at"), lambda row: row.decided_at),
        (_("Reason in words"), lambda row: row.reason),
    ]
    return export("effects", _("Held sets"), columns, reading.effects(asked_state()))


def effect(effect_id: UUID) -> str:
    view = reading.view_of(viewer(), effect_id, asked_page())
    return render_template(
        "effects/effect.html", view=view, name_of=name_of, policy=registry().policy,
        failure=sentence_of(view.effect.failure) if view.effect.failure else "",
        page_link=page_link("effects.effect", {"effect_id": effect_id}),
    )  # fmt: skip


def effect_xlsx(effect_id: UUID) -> Response:
    reading.view_of(viewer(), effect_id, asked_page())
    columns: list[Column[Change]] = [
        (_("Account"), lambda row: row.account_name),
        (_("Agency"), lambda row: row.agency_name),
        (_("What happens"), lambda row: words(WORDS, "change_word", row.kind.value)),
        (_("Before"), lambda row: words(WORDS, "value_word", row.kind.value, row.before)),
        (_("After"), lambda row: words(WORDS, "value_word", row.kind.value, row.after)),
    ]
    return export(f"effect {effect_id}", _("Who loses what"), columns, reading.changes(effect_id))


def release(effect_id: UUID) -> ResponseReturnValue:
    """GET names how many lose something, POST carries it out."""
    view = reading.view_of(viewer(), effect_id, asked_page())
    if request.method == "GET":
        return render_template("effects/release.html", view=view)
    try:
        version = version_in(request.form.get("version", ""))
        outcome = acts.release(effect_id, version, registry(), actor())
    except (Conflict, IllegalMove, Invalid) as error:
        flash(sentence(error), "refused")
        return redirect(effect_page(effect_id), 303)
    flash(_("Carried out. The systems follow within minutes."), "good")
    run = url_for("sync.run", run_id=outcome.run_id) if outcome.run_id else None
    return redirect(run or effect_page(effect_id), 303)


def version_in(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 9 else 0


def cancel(effect_id: UUID) -> ResponseReturnValue:
    view = reading.view_of(viewer(), effect_id, asked_page())
    form, back = CancelForm(formdata=drafts.typed(), data={"version": view.effect.version}), effect_page(effect_id)
    if request.method == "POST" and form.validate():
        try:
            version, reason = version_in(str(form.version.data or "")), str(form.reason.data or "")
            acts.cancel(effect_id, version, registry(), actor(), reason)
        except Invalid as error:
            show_faults(form, error.fields, error.context)
        else:
            flash(_("Thrown away. Nothing of it has happened."), "good")
            return redirect(back, 303)
    return render_template("effects/cancel.html", view=view, form=form, back=back), 422 if form.errors else 200


def effect_page(effect_id: UUID) -> str:
    return url_for("effects.effect", effect_id=effect_id)
