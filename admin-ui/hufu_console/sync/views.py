"""AD 同步管理作業: how the targets are, what waits, what differs, what ran, and the acts on all that."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf import FlaskForm

import hufu_registry.sync.use_cases as sync
from hufu_console.sync import queries
from hufu_console.sync.forms import AgencyForm, DropForm, IgnoreForm, PauseForm, PlanForm
from hufu_console.sync.lists import DRIFT, FIGURES, PLAN, RUNS, STEPS, WORK
from hufu_console.web import lists
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, now, policy, registry
from hufu_console.web.following import promised
from hufu_console.web.sentences import sentence
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, OutboxKey, Target
from hufu_registry.sync.model import ErrorClass

MOST_PICKED = 100

P = ParamSpec("P")


def overview() -> str:
    view = queries.overview()
    pictures = queries.pictures(view)
    return render_template("sync/overview.html", view=view, pictures=pictures, columns=FIGURES, policy=policy())


def figures() -> str:
    """The figures alone, for the page that looks again by itself."""
    return render_template("sync/_now.html", view=queries.overview(), policy=policy())


def picture(target: Target) -> str:
    """One target's picture and its table, for the page that looks again by itself."""
    return render_template("sync/_picture_again.html", target=target, picture=queries.picture(target), columns=FIGURES)


def compare(target: Target) -> ResponseReturnValue:
    run_id = sync.request_comparison(target, registry(), actor())
    return done(_("The comparison is asked for; it begins within seconds."), url_for("sync.run", run_id=run_id))


def pause(target: Target) -> ResponseReturnValue:
    form, back = filled(PauseForm), url_for("sync.overview")

    def act() -> ResponseReturnValue:
        sync.pause_target(target, str(form.why.data or ""), registry(), actor())
        return done(_("Paused. Nothing is written there until somebody resumes it."), back)

    return act_page(form, "sync/pause.html", act, back=back, target=target)


def resume(target: Target) -> ResponseReturnValue:
    sync.resume_target(target, registry(), actor())
    return done(_("It goes on."), url_for("sync.overview"))


def resynchronise() -> ResponseReturnValue:
    """帳號同步作業: everything of an agency and below it is compared and put right."""
    form = filled(AgencyForm)

    def act() -> ResponseReturnValue:
        agency_id = form.agency()
        if agency_id is None:
            raise Invalid(fields={"agency_id": "agency_required"})
        return to_run(sync.converge_agency(agency_id, registry(), actor()))

    return act_page(form, "sync/resynchronise.html", act, back=url_for("sync.overview"))


def plan() -> ResponseReturnValue:
    """Ask for a forecast: of everything, of an agency and all below it, or of one account."""
    form = filled(PlanForm)

    def act() -> ResponseReturnValue:
        return to_run(sync.request_plan(*queries.scope_in(form), registry(), actor()))

    return act_page(form, "sync/plan.html", act, back=url_for("sync.overview"))


def to_run(run_id: UUID) -> ResponseReturnValue:
    """It was begun: the run says what comes of it."""
    return redirect(url_for("sync.run", run_id=run_id), 303)


def settled_in(page: str) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """What somebody decided or what mended itself meanwhile is no fault of the asker: his list says so."""

    def of(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def shown(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                return view(*args, **kwargs)
            except NotFound as fault:
                if fault.code not in {"work", "drift"}:
                    raise
                flash(sentence(fault), "info")
                return redirect(url_for(page), 303)

        return shown

    return of


# Work


work, search_work = lists.page(WORK), lists.search(WORK)


def retry_picked() -> ResponseReturnValue:
    """Those ticked are tried again now; what is done meanwhile is left out."""
    keys = [key for text in request.form.getlist("pick")[:MOST_PICKED] if (key := queries.key_in(text))]
    tried = []
    for key in keys:
        try:
            sync.retry_now(key, registry(), actor())
            tried.append(key.target)
        except (NotFound, IllegalMove, Conflict):
            continue
    if tried:
        said = ngettext("%(num)s row is tried again now.", "%(num)s rows are tried again now.", len(tried))
        flash(promised(said, sorted(set(tried))), "good")
    else:
        flash(_("Nothing was picked, or it is all done already."), "info")
    return lists.back_to(WORK)


@settled_in("sync.work")
def row(target: Target, kind: Kind, object_id: str) -> ResponseReturnValue:
    key = OutboxKey(target, kind, object_id)
    place = {"target": target, "kind": kind, "object_id": object_id}
    return render_template(
        "sync/row.html", row=queries.work_row(key), at=place, ErrorClass=ErrorClass, now=now(),
        steps=lists.listing_of(STEPS, kind=key.kind, object_id=object_id, at=("sync.row", place)),
    )  # fmt: skip


def steps(kind: Kind, object_id: str) -> str:
    """What was done in the systems for one object."""
    title = queries.title_of(kind, object_id)
    return render_template(
        "sync/steps.html", steps=lists.listing_of(STEPS, kind=kind, object_id=object_id), title=title
    )


@settled_in("sync.work")
def retry(target: Target, kind: Kind, object_id: str) -> ResponseReturnValue:
    sync.retry_now(OutboxKey(target, kind, object_id), registry(), actor())
    return done(_("It is tried again now."), url_for("sync.work"), targets=(target,))


@settled_in("sync.work")
def make_again(target: Target, kind: Kind, object_id: str) -> ResponseReturnValue:
    sync.make_again(queries.work_row(OutboxKey(target, kind, object_id)).key, registry(), actor())
    said = _("It is looked for once more now, and made again if it is missing still.")
    return done(said, url_for("sync.work"), targets=(target,))


@settled_in("sync.work")
def drop(target: Target, kind: Kind, object_id: str) -> ResponseReturnValue:
    key, form, back = OutboxKey(target, kind, object_id), filled(DropForm), url_for("sync.work")
    row = queries.work_row(key)

    def act() -> ResponseReturnValue:
        sync.drop_work(key, str(form.why.data or ""), registry(), actor())
        return done(_("Dropped. The next change of it, or the next comparison, brings it up again."), back)

    place = {"target": target, "kind": kind, "object_id": object_id}
    return act_page(form, "sync/drop.html", act, back=back, row=row, at=place)


# Differences


drift, search_drift = lists.page(DRIFT), lists.search(DRIFT)


@settled_in("sync.drift")
def difference(target: Target, kind: Kind, object_id: str, field: str) -> ResponseReturnValue:
    """What stands there, what is wanted, and what to do about it."""
    key = OutboxKey(target, kind, object_id)
    row, form, back = queries.drift(key, field), filled(IgnoreForm), url_for("sync.drift")
    place = {"target": target, "kind": kind, "object_id": object_id, "field": field}

    def act() -> ResponseReturnValue:
        if form.until.day is None:
            raise Invalid(fields={"until": "required"})
        sync.ignore_drift(key, field, form.until.day, registry(), actor())
        return done(_("It is not listed until that day."), back)

    ignored = row.ignored_until is not None and row.ignored_until > now()
    return act_page(form, "sync/difference.html", act, back=back, drift=row, at=place, ignored=ignored)


@settled_in("sync.drift")
def list_again(target: Target, kind: Kind, object_id: str, field: str) -> ResponseReturnValue:
    sync.list_drift_again(OutboxKey(target, kind, object_id), field, registry(), actor())
    return done(_("It is listed again."), url_for("sync.drift"))


@settled_in("sync.drift")
def accept(target: Target, kind: Kind, object_id: str, field: str) -> ResponseReturnValue:
    sync.accept_drift(OutboxKey(target, kind, object_id), field, registry(), actor())
    said = _("Taken over into the registry; the other systems follow.")
    return done(said, url_for("sync.drift"), targets=STATE_TARGETS)


@settled_in("sync.drift")
def overwrite(target: Target, kind: Kind, object_id: str, field: str) -> ResponseReturnValue:
    sync.overwrite_drift(OutboxKey(target, kind, object_id), field, registry(), actor())
    return done(_("What the registry says is written there now."), url_for("sync.drift"), targets=(target,))


# Runs and plans


runs = lists.page(RUNS)


def run(run_id: UUID) -> str:
    view = queries.run_view(run_id)
    lines = lists.listing_of(PLAN, run_id=run_id) if view.plan else None
    return render_template("sync/run.html", view=view, lines=lines)


def progress(run_id: UUID) -> ResponseReturnValue:
    """The figures alone, for the page that looks again by itself; the whole page once it is finished."""
    run = queries.run(run_id)
    page = render_template("sync/_run_progress.html", run=run)
    return (page, {"HX-Refresh": "true"}) if run.finished_at else (page, 200)


def execute(run_id: UUID) -> ResponseReturnValue:
    """GET names what will be done, POST has it done."""
    view = queries.run_view(run_id)
    if not view.executable:
        raise IllegalMove("plan_not_ready")

    def act() -> ResponseReturnValue:
        execution = sync.request_plan_execution(run_id, registry(), actor())
        said = _("The plan is being executed. Nothing is taken from anybody that it did not show.")
        return done(said, url_for("sync.run", run_id=execution))

    form, back = filled(FlaskForm), url_for("sync.run", run_id=run_id)
    return act_page(form, "sync/execute.html", act, look_again=True, view=view, back=back)
