"""The addresses of AD 同步管理作業."""

from __future__ import annotations

from hufu_console.exports.spreadsheet import sheet_route
from hufu_console.sync import views
from hufu_console.sync.lists import DRIFT, PLAN, QUEUE, RUNS, STEPS, WORK
from hufu_console.web.routing import FORM, POST, Route
from hufu_registry.sync.permissions import ADMINISTER_SYNC

ADMINISTER = ADMINISTER_SYNC
TARGET = "/sync/targets/<target:target>"
KEY = "<target:target>/<kind:kind>/<object:object_id>"
ONE, OBJECT, DIFFERENCE = (
    f"/sync/work/{KEY}",
    "/sync/steps/<kind:kind>/<object:object_id>",
    f"/sync/drift/{KEY}/<object:field>",
)
RUN = "/sync/runs/<uuid:run_id>"

ROUTES = (
    Route("/sync", "sync.overview", views.overview, ADMINISTER),
    Route("/sync/now", "sync.now", views.figures, ADMINISTER, by_itself=True),
    Route(f"{TARGET}/picture", "sync.picture", views.picture, ADMINISTER, by_itself=True),
    sheet_route(f"{TARGET}/queue.xlsx", QUEUE),
    Route(f"{TARGET}/compare", "sync.compare", views.compare, ADMINISTER, POST),
    Route(f"{TARGET}/pause", "sync.pause", views.pause, ADMINISTER, FORM),
    Route(f"{TARGET}/resume", "sync.resume", views.resume, ADMINISTER, POST),
    Route("/sync/resynchronise", "sync.resynchronise", views.resynchronise, ADMINISTER, FORM),
    Route("/sync/work", "sync.work", views.work, ADMINISTER),
    sheet_route("/sync/work.xlsx", WORK),
    Route("/sync/work/search", "sync.search_work", views.search_work, ADMINISTER, POST),
    Route("/sync/work/retry", "sync.retry_picked", views.retry_picked, ADMINISTER, POST),
    Route(ONE, "sync.row", views.row, ADMINISTER),
    Route(f"{ONE}/retry", "sync.retry", views.retry, ADMINISTER, POST),
    Route(f"{ONE}/make-again", "sync.make_again", views.make_again, ADMINISTER, POST),
    Route(f"{ONE}/drop", "sync.drop", views.drop, ADMINISTER, FORM),
    Route(OBJECT, "sync.steps", views.steps, ADMINISTER),
    sheet_route(f"{OBJECT}/steps.xlsx", STEPS),
    Route("/sync/drift", "sync.drift", views.drift, ADMINISTER),
    sheet_route("/sync/drift.xlsx", DRIFT),
    Route("/sync/drift/search", "sync.search_drift", views.search_drift, ADMINISTER, POST),
    Route(DIFFERENCE, "sync.difference", views.difference, ADMINISTER, FORM),
    Route(f"{DIFFERENCE}/accept", "sync.accept", views.accept, ADMINISTER, POST),
    Route(f"{DIFFERENCE}/overwrite", "sync.overwrite", views.overwrite, ADMINISTER, POST),
    Route(f"{DIFFERENCE}/list-again", "sync.list_again", views.list_again, ADMINISTER, POST),
    Route("/sync/plans/new", "sync.plan", views.plan, ADMINISTER, FORM),
    Route("/sync/runs", "sync.runs", views.runs, ADMINISTER),
    sheet_route("/sync/runs.xlsx", RUNS),
    Route(RUN, "sync.run", views.run, ADMINISTER),
    sheet_route(f"{RUN}.xlsx", PLAN),
    Route(f"{RUN}/progress", "sync.progress", views.progress, ADMINISTER, by_itself=True),
    Route(f"{RUN}/execute", "sync.execute", views.execute, ADMINISTER, FORM),
)
