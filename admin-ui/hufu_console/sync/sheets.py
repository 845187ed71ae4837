"""The lists of AD sync as spreadsheets."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request
from flask_babel import gettext as _

from hufu_console.sync import queries
from hufu_console.sync.views import asked_state, asked_target, kept_words
from hufu_console.web.paging import Read
from hufu_console.web.spreadsheet import export, words
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.sync.model import AppliedStep, Code, QueueSample, Run

WORDS = "sync/_labels.html"


def code_words(code: Code | None) -> str:
    return words("accounts/_labels.html", "code_words", code.value) if code else ""


def target_word(target: Target | None) -> str:
    return words(WORDS, "target_word", target.value) if target else ""


def work_xlsx() -> Response:
    columns = [
        (_("What"), lambda row: row.title),
        (_("Kind"), lambda row: words(WORDS, "object_word", row.key.kind.value)),
        (_("Agency"), lambda row: row.agency_name),
        (_("System"), lambda row: target_word(row.key.target)),
        (_("State"), lambda row: words(WORDS, "work_word", row.state.value)),
        (_("Why"), lambda row: code_words(row.code)),
        (_("Tries"), lambda row: row.attempts),
        (_("Wanted since"), lambda row: row.requested_at),
        (_("Next try"), lambda row: None if row.paused else row.next_at),
    ]
    return export("sync.work", _("Work"), columns, queries.work(asked_target(), asked_state(), kept_words()))


def drift_xlsx() -> Response:
    columns = [
        (_("What"), lambda row: row.title),
        (_("Kind"), lambda row: words(WORDS, "object_word", row.key.kind.value)),
        (_("Agency"), lambda row: row.agency_name),
        (_("System"), lambda row: target_word(row.key.target)),
        (_("Field"), lambda row: words(WORDS, "field_word", row.field)),
        (_("There"), lambda row: words(WORDS, "value_word", row.field, row.there)),
        (_("In the registry"), lambda row: words(WORDS, "value_word", row.field, row.wanted)),
        (_("Since"), lambda row: row.since),
        (_("Seen last"), lambda row: row.seen_at),
        (_("Ignored until"), lambda row: row.ignored_until),
    ]
    listed = queries.drifts(asked_target(), kept_words(), ignored=request.args.get("ignored") == "yes")
    return export("sync.drift", _("Differences"), columns, listed)


def runs_xlsx() -> Response:
    columns = [
        (_("Begun"), lambda run: run.started_at),
        (_("Ended"), lambda run: run.finished_at),
        (_("What"), lambda run: words(WORDS, "run_word", run.kind.value)),
        (_("System"), lambda run: target_word(run.target)),
        (_("Why"), cause_words),
        (_("Objects"), lambda run: run.objects),
        (_("Done"), lambda run: run.done),
        (_("Differing"), lambda run: run.differing),
        (_("Failed"), lambda run: run.failed),
    ]
    return export("sync.runs", _("Runs and plans"), columns, queries.runs())


def cause_words(run: Run) -> str:
    return words(WORDS, "cause_words", run)


def run_xlsx(run_id: UUID) -> Response:
    """A plan's lines. Raises NotFound("run") for a run that is none."""
    plan = queries.run_view(run_id, Page(1)).plan
    if plan is None:
        raise NotFound("run")
    columns = [
        (_("What"), lambda row: row.title),
        (_("Kind"), lambda row: words(WORDS, "object_word", row.key.kind.value)),
        (_("System"), lambda row: target_word(row.key.target)),
        (_("Step"), lambda row: code_words(row.code) or words(WORDS, "planned_step_word", row.step)),
        (_("Takes something away"), lambda row: _("yes") if row.destructive else ""),
        (_("Field"), lambda row: words(WORDS, "field_word", row.field)),
        (_("Before"), lambda row: words(WORDS, "value_word", row.field, row.before)),
        (_("After"), lambda row: words(WORDS, "value_word", row.field, row.after)),
    ]
    return export(f"sync.run {run_id}", _("Plan"), columns, queries.plan_lines(plan))


def steps_xlsx(kind: str, object_id: str) -> Response:
    columns = [
        (_("When"), lambda step: step.at),
        (_("System"), lambda step: target_word(step.key.target)),
        (_("What was done"), lambda step: words(WORDS, "step_done_word", step.step)),
        (_("Fields"), field_words),
    ]
    what = f"sync.steps {kind} {object_id}"
    return export(what, _("What was done in the systems"), columns, queries.steps(Kind(kind), object_id))


def field_words(step: AppliedStep) -> str:
    return str(_(", ")).join(words(WORDS, "field_word", field) for field in step.fields)


def queue_xlsx(target: str) -> Response:
    columns = [
        (_("When"), lambda sample: sample.at),
        (_("Waiting"), lambda sample: sample.waiting),
        (_("Did not work yet"), lambda sample: sample.retrying),
        (_("Needs a person"), lambda sample: sample.parked),
        (_("Done"), lambda sample: sample.done),
    ]
    return export(f"sync.queue {target}", target_word(Target(target)), columns, samples(Target(target)))


def samples(target: Target) -> Read[QueueSample]:
    rows = queries.samples(target)
    return lambda _connection, page: queries.one_page(rows, page)
