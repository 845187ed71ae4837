"""The lists of AD sync."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.sync import queries
from hufu_console.sync.plan_rows import PlanRow, rows_of
from hufu_console.web.context import now, registry
from hufu_console.web.lists import Asked, Bulk, Column, Empty, Filter, ListPage, words
from hufu_console.web.paging import Read
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page, Paged
from hufu_registry.sync import store
from hufu_registry.sync.model import AppliedStep, Code, Drift, QueueSample, Run, WorkRow, WorkState
from hufu_registry.sync.permissions import ADMINISTER_SYNC

WORDS = "sync/_labels.html"
UP = ((_l("AD sync"), "sync.overview"),)


def target_word(target: Target | None) -> str:
    return words(WORDS, "target_word", target.value) if target else ""


def field_words(step: AppliedStep) -> str:
    """None of what the step itself says: whether somebody may sign in there."""
    if step.step in {"enable", "disable"}:
        return ""
    return str(_(", ")).join(words(WORDS, "field_word", field) for field in step.fields)


def object_word(key: OutboxKey) -> str:
    return words(WORDS, "object_word", key.kind.value)


def code_words(code: Code | None) -> str:
    return words(WORDS, "code_words", code.value) if code else ""


def key_text(key: OutboxKey) -> str:
    """As a tick sends it; `queries.key_in` reads it."""
    return f"{key.target.value} {key.kind.value} {key.object_id}"


def of_target(*targets: Target) -> Filter:
    return Filter("target", _l("System"), lambda value: words(WORDS, "target_word", value), options=("", *targets))


# Work


def read_work(asked: Asked) -> Read[WorkRow]:
    target, state = asked.choice("target", Target), asked.choice("state", WorkState)
    return lambda connection, page: store.work_rows(
        connection, page, target=target, state=state, words=asked.words, sort=asked.sort
    )


WORK = ListPage(
    "sync.work",
    _l("Work"),
    help=("system", "parked"),
    lead=_l("What still has to be brought to a system, the oldest first."),
    path=UP,
    intro="components/tabs.html",
    count=lambda num: ngettext("%(num)s row of work", "%(num)s rows of work", num),
    columns=(
        Column("what", _l("What"), lambda row: words(WORDS, "title_of", row)),
        Column("kind", _l("Kind"), lambda row: object_word(row.key), page=False),
        Column("agency", _l("Agency"), lambda row: row.agency_name, page=False),
        Column("system", _l("System"), lambda row: target_word(row.key.target), sort=True),
        Column("state", _l("State"), lambda row: words(WORDS, "work_word", row.state.value), sort=True),
        Column("why", _l("Why"), lambda row: code_words(row.code), sort=True),
        Column("attempts", _l("Tries"), lambda row: row.attempts, num=True, sort=True),
        Column("requested_at", _l("Requested at"), lambda row: row.requested_at, sort=True),
        Column("next_at", _l("Next try"), lambda row: None if row.paused else row.next_at, sort=True),
    ),
    read=read_work,
    words=_l("Person, account name or agency"),
    search="sync.search_work",
    filters=(
        of_target(*Target),
        Filter("state", _l("State"), lambda value: words(WORDS, "work_word", value), options=("", *WorkState)),
    ),
    bulk=Bulk(
        "sync.retry_picked",
        _l("Retry those picked"),
        _l("They are tried again now, before everything else."),
        pick=lambda row: key_text(row.key),
        name=lambda row: words(WORDS, "title_of", row),
        why_not=_l("What was deleted over there by somebody else needs a decision of its own; open its row."),
    ),
    cells="sync/_work.html",
    nothing=Empty(
        _l("Nothing is on its way to the systems."),
        help=_l("Work stands here from the moment somebody changes something until the systems have it."),
    ),
    unmatched=Empty(_l("No work is like that."), link=_l("Show all")),
    sheet="sync.work_xlsx",
    permission=ADMINISTER_SYNC,
    recorded="sync.work",
    technical=True,
)


# What was done, for one object


def read_steps(asked: Asked) -> Read[AppliedStep]:
    kind, object_id = Kind(asked.args["kind"]), asked.args["object_id"]
    return lambda connection, page: store.applied_steps_of(connection, kind, object_id, page, sort=asked.sort)


STEPS = ListPage(
    "sync.steps",
    _l("What was done in the systems"),
    count=lambda num: ngettext("%(num)s step", "%(num)s steps", num),
    columns=(
        Column("at", _l("When"), lambda step: step.at, sort=True),
        Column("system", _l("System"), lambda step: target_word(step.key.target), sort=True),
        Column("step", _l("What was done"), lambda step: words(WORDS, "step_done_word", step.step), sort=True),
        Column("fields", _l("Fields"), field_words, page=False),
    ),
    read=read_steps,
    cells="sync/_steps.html",
    nothing=Empty(_l("Nothing was written in any system for it yet.")),
    sheet="sync.steps_xlsx",
    permission=ADMINISTER_SYNC,
    recorded="sync.steps",
    technical=True,
)


# Differences


def read_drift(asked: Asked) -> Read[Drift]:
    target, ignored, moment, keys = (
        asked.choice("target", Target),
        bool(asked.filters["ignored"]),
        now(),
        registry().keys,
    )
    return lambda connection, page: store.drift_rows(
        connection, keys, page, target=target, words=asked.words, ignored=ignored, now=moment, sort=asked.sort
    )


DRIFT = ListPage(
    "sync.drift",
    _l("Differences"),
    help=("system", "differences"),
    lead=_l("What somebody else changed in a system. Nothing of it is overwritten unseen."),
    path=UP,
    intro="sync/_above_drift.html",
    count=lambda num: ngettext("%(num)s difference", "%(num)s differences", num),
    columns=(
        Column("what", _l("What"), lambda row: row.title),
        Column("kind", _l("Kind"), lambda row: object_word(row.key), page=False),
        Column("agency", _l("Agency"), lambda row: row.agency_name, page=False),
        Column("system", _l("System"), lambda row: target_word(row.key.target), sort=True),
        Column("field", _l("Field"), lambda row: words(WORDS, "field_word", row.field), sort=True),
        Column("there", _l("There"), lambda row: words(WORDS, "value_word", row.field, row.there)),
        Column("wanted", _l("In the registry"), lambda row: words(WORDS, "value_word", row.field, row.wanted)),
        Column("since", _l("Since"), lambda row: row.since, sort=True),
        Column("seen_at", _l("Seen last"), lambda row: row.seen_at, page=False),
        Column("ignored_until", _l("Ignored until"), lambda row: row.ignored_until, page=False),
    ),
    read=read_drift,
    words=_l("Person, account name or agency"),
    search="sync.search_drift",
    filters=(
        of_target(*STATE_TARGETS),
        Filter(
            "ignored", _l("Which"), lambda _value: _("Ignored ones"), options=("", "yes"), everything=_l("Undecided")
        ),
    ),
    cells="sync/_drift.html",
    nothing=Empty(
        _l("Nothing differs."),
        help=_l(
            "Everybody is compared every night, and what changes in Active Directory within a minute; what is deleted "
            "there is noticed at night. “Compare now” on the overview looks at once."
        ),
    ),
    unmatched=Empty(_l("No difference is like that."), link=_l("Show all")),
    sheet="sync.drift_xlsx",
    permission=ADMINISTER_SYNC,
    recorded="sync.drift",
    technical=True,
)


# Runs and plans


def read_runs(asked: Asked) -> Read[Run]:
    return lambda connection, page: store.runs(connection, page, sort=asked.sort)


RUNS = ListPage(
    "sync.runs",
    _l("Runs and plans"),
    lead=_l("Comparisons, bulk runs and plans, the newest first."),
    path=UP,
    intro="components/tabs.html",
    act=(_l("Make a plan"), "sync.plan"),
    count=lambda num: ngettext("%(num)s run", "%(num)s runs", num),
    columns=(
        Column("started_at", _l("Begun"), lambda run: run.started_at, sort=True),
        Column("finished_at", _l("Ended"), lambda run: run.finished_at, page=False),
        Column("kind", _l("What"), lambda run: words(WORDS, "run_word", run.kind.value), sort=True),
        Column("system", _l("System"), lambda run: target_word(run.target), sort=True),
        Column("cause", _l("Why"), lambda run: words(WORDS, "cause_words", run), sort=True),
        Column("objects", _l("Objects"), lambda run: run.objects, num=True, sort=True),
        Column("done", _l("Done"), lambda run: run.done, num=True, sort=True),
        Column("differing", _l("Differing"), lambda run: run.differing, num=True, sort=True),
        Column("failed", _l("Failed"), lambda run: run.failed, num=True, sort=True),
        Column("state", _l("State"), lambda _run: "", sheet=False),
    ),
    read=read_runs,
    cells="sync/_runs.html",
    nothing=Empty(
        _l("Nothing has run yet."),
        help=_l("Everybody is compared every night. “Compare now” on the overview begins at once."),
    ),
    sheet="sync.runs_xlsx",
    permission=ADMINISTER_SYNC,
    recorded="sync.runs",
    technical=True,
)


def read_plan(asked: Asked) -> Read[PlanRow]:
    """A plan's lines, object by object. Raises NotFound("run") for a run that is none."""
    plan = queries.plan_of(UUID(asked.args["run_id"]))
    if plan is None:
        raise NotFound("run")
    planned = queries.in_order(plan)

    def read(_connection: sa.Connection, page: Page) -> Paged[PlanRow]:
        objects = queries.one_page(planned, page)
        return Paged([row for planned in objects.rows for row in rows_of(planned, plan.places)], objects.total, page)

    return read


PLAN = ListPage(
    "sync.run",
    _l("Plan"),
    count=lambda num: ngettext("%(num)s object", "%(num)s objects", num),
    columns=(
        Column("what", _l("What"), lambda row: row.title),
        Column("kind", _l("Kind"), lambda row: object_word(row.key), page=False),
        Column("system", _l("System"), lambda row: target_word(row.key.target)),
        Column("step", _l("Step"), lambda row: code_words(row.code) or words(WORDS, "planned_step_word", row.step)),
        Column("destructive", _l("Takes something away"), lambda row: _("yes") if row.destructive else "", page=False),
        Column("field", _l("Field"), lambda row: words(WORDS, "field_word", row.field)),
        Column("before", _l("Before"), lambda row: words(WORDS, "value_word", row.field, row.before)),
        Column("after", _l("After"), lambda row: words(WORDS, "value_word", row.field, row.after)),
    ),
    read=read_plan,
    cells="sync/_plan.html",
    nothing=Empty(_l("Nothing would change."), help=_l("All systems have what the registry has.")),
    sheet="sync.run_xlsx",
    permission=ADMINISTER_SYNC,
    recorded="sync.run",
    technical=True,
)


# The queue's picture


def read_samples(asked: Asked) -> Read[QueueSample]:
    samples = queries.samples(Target(asked.args["target"]))
    return lambda _connection, page: queries.one_page(samples, page)


FIGURES: tuple[Column[QueueSample], ...] = (
    Column("waiting", _l("Waiting"), lambda sample: sample.waiting, num=True),
    Column("retrying", _l("Did not work yet"), lambda sample: sample.retrying, num=True),
    Column("parked", _l("Needs attention"), lambda sample: sample.parked, num=True),
    Column("done", _l("Done"), lambda sample: sample.done, num=True),
)

QUEUE = ListPage(
    "sync.overview",
    _l("Work"),
    sheet_title=lambda asked: target_word(Target(asked.args["target"])),
    columns=(Column("at", _l("When"), lambda sample: sample.at), *FIGURES),
    read=read_samples,
    nothing=Empty(_l("Nothing is on its way to the systems.")),
    sheet="sync.queue_xlsx",
    permission=ADMINISTER_SYNC,
    recorded="sync.queue",
    technical=True,
)
