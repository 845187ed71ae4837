"""Every address of the console, what answers it, who may ask, and how often."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask_limiter import Limiter

from hufu_console.accounts import acts as account_acts
from hufu_console.accounts import views as accounts
from hufu_console.agencies import views as agencies
from hufu_console.cases import views as cases
from hufu_console.gallery import views as gallery_views
from hufu_console.guard import views as guard
from hufu_console.home import views as home
from hufu_console.public import mailbox
from hufu_console.public import views as public
from hufu_console.sign_in import views as sign_in
from hufu_console.sync import sheets
from hufu_console.sync import views as sync
from hufu_console.web import limits
from hufu_registry.people.model import Purpose

GET = ("GET",)
FORM = ("GET", "POST")
POST = ("POST",)


@dataclass(frozen=True, slots=True)
class Route:
    """`public` pages need no sign-in, `system` ones are for system managers alone; `limit` is per address, on what is
    sent where something can be sent. An open page asks for what is `by_itself` again and again, with nobody there.
    """

    rule: str
    endpoint: str
    view: Callable[..., Any]
    methods: tuple[str, ...] = GET
    public: bool = False
    limit: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    system: bool = False
    by_itself: bool = False


def journey(start: str, name: str, purpose: Purpose) -> tuple[Route, ...]:
    """The three addresses of proving a mailbox for a purpose."""
    at = {"purpose": purpose}
    return (
        Route(start, name, mailbox.start, FORM, True, limits.CODES, at),
        Route(f"{start}/code", f"{name}_code", mailbox.code, FORM, True, limits.TRIES, at),
        Route(f"{start}/code/resend", f"{name}_resend", mailbox.resend, POST, True, limits.CODES, at),
    )


PUBLIC = (
    Route("/", "home.home", home.home, public=True),
    Route("/healthz", "home.healthz", home.healthz, public=True),
    Route("/terms", "public.terms", public.terms, public=True),
    Route("/welcome", "public.welcome", public.welcome, public=True),
    *journey("/apply", "public.apply", Purpose.APPLY),
    Route("/apply/form", "public.form", public.form, FORM, True, limits.CHECKS),
    Route("/apply/check/<field>", "public.check", public.check, POST, True, limits.CHECKS),
    Route("/apply/agencies", "public.agency_search", public.agency_search, GET, True, limits.SEARCHES),
    Route("/apply/agency", "public.agency_choose", public.agency_choose, POST, True, limits.SEARCHES),
    Route("/apply/review", "public.review", public.review, public=True),
    Route("/apply/send", "public.send", public.send, POST, True, limits.SENDING),
    Route("/apply/receipt/<uuid:case_id>", "public.receipt", public.receipt, public=True),
    *journey("/follow", "public.follow", Purpose.FOLLOW),
    Route("/follow/case", "public.own_case", public.own_case, public=True),
    Route("/follow/change", "public.change", public.change, FORM, True, limits.SENDING),
    Route("/follow/withdraw", "public.withdraw", public.withdraw, FORM, True, limits.SENDING),
    Route("/follow/name", "public.choose_name", public.choose_name, POST, True, limits.SENDING),
    *journey("/activation", "public.activation", Purpose.RESEND),
    Route("/activation/accounts", "public.own_accounts", public.own_accounts, public=True),
    Route(
        "/activation/accounts/<uuid:account_id>/resend", "public.resend_activation", public.resend_activation,
        POST, True, limits.SENDING,
    ),
    Route("/sign-in", "sign_in.start", sign_in.start, GET, True, limits.SIGN_INS),
    Route("/sign-in/callback", "sign_in.callback", sign_in.callback, GET, True, limits.SIGN_INS),
    Route("/sign-out", "sign_in.sign_out", sign_in.sign_out, POST, True),
    Route("/signed-out", "sign_in.signed_out", sign_in.signed_out, GET, True),
    Route("/sign-in/backchannel-logout", "sign_in.backchannel_logout", sign_in.backchannel_logout, POST, True),
)  # fmt: skip

SIGNED_IN = (
    Route("/cases", "cases.queue", cases.queue),
    Route("/cases/search", "cases.search", cases.search, POST),
    Route("/cases/<uuid:case_id>", "cases.case", cases.case),
    Route("/cases/<uuid:case_id>/approve", "cases.approve", cases.approve, POST),
    Route("/cases/<uuid:case_id>/reject", "cases.reject_form", cases.reject_form),
    Route("/cases/<uuid:case_id>/reject", "cases.reject", cases.reject, POST),
    Route("/accounts", "accounts.people", accounts.people),
    Route("/accounts/search", "accounts.search", accounts.search, POST),
    Route("/accounts/<uuid:account_id>", "accounts.account", accounts.account),
    Route("/accounts/<uuid:account_id>/progress", "accounts.progress", accounts.progress, by_itself=True),
    Route("/accounts/<uuid:account_id>/edit", "accounts.edit", accounts.edit, FORM),
    Route("/accounts/<uuid:account_id>/resend", "accounts.resend", accounts.resend, POST),
    Route("/accounts/<uuid:account_id>/sync", "accounts.sync_now", accounts.sync_now, POST),
    Route("/accounts/<uuid:account_id>/unlock", "accounts.unlock", account_acts.unlock, POST),
    Route(
        "/accounts/<uuid:account_id>/require-password-change",
        "accounts.require_password_change",
        account_acts.require_password_change,
        FORM,
    ),
    Route("/accounts/<uuid:account_id>/disable", "accounts.disable", account_acts.disable, FORM),
    Route("/accounts/<uuid:account_id>/restore", "accounts.restore", account_acts.restore, FORM),
    Route("/accounts/<uuid:account_id>/delete", "accounts.delete", account_acts.delete, FORM),
    Route("/me", "accounts.mine", accounts.mine),
    Route("/me/progress", "accounts.my_progress", accounts.my_progress, by_itself=True),
    Route("/me/sync", "accounts.sync_mine", accounts.sync_mine, POST, limit=limits.SENDING),
    Route("/agencies", "agencies.tree", agencies.tree),
    Route("/agencies/search", "agencies.search", agencies.search, POST),
    Route("/agencies/found", "agencies.found", agencies.found, limit=limits.SEARCHES),
    Route("/agencies/pick", "agencies.pick", agencies.pick, limit=limits.SEARCHES),
    Route("/agencies/<int(max=999999999999999):agency_id>", "agencies.agency", agencies.agency),
    Route("/agencies/<int(max=999999999999999):agency_id>/units/add", "agencies.add_unit", agencies.add_unit, FORM),
    Route("/agencies/<int(max=999999999999999):agency_id>/rename", "agencies.rename", agencies.rename, FORM),
    Route("/agencies/<int(max=999999999999999):agency_id>/move", "agencies.move", agencies.move),
    Route(
        "/agencies/<int(max=999999999999999):agency_id>/move/review", "agencies.move_review", agencies.move_review, FORM
    ),
    Route("/agencies/<int(max=999999999999999):agency_id>/close", "agencies.close", agencies.close, FORM),
    Route("/agencies/<int(max=999999999999999):agency_id>/reopen", "agencies.reopen", agencies.reopen, FORM),
    Route(
        "/agencies/<int(max=999999999999999):agency_id>/mail-domains",
        "agencies.mail_domains",
        agencies.mail_domains,
        FORM,
    ),
    Route(
        "/agencies/<int(max=999999999999999):agency_id>/managers/appoint", "agencies.appoint", agencies.appoint, FORM
    ),
    Route(
        "/agencies/<int(max=999999999999999):agency_id>/managers/candidates",
        "agencies.candidates",
        agencies.candidates,
        POST,
    ),
)

TARGET = "<any(ad,keycloak,mail):target>"
KIND = "<any(agency,account,notice):kind>"
OBJECT = f"{TARGET}/{KIND}/<string(maxlength=100):object_id>"


def system(rule: str, endpoint: str, view: Callable[..., Any], methods: tuple[str, ...] = GET, **values: Any) -> Route:
    """A page for system managers alone."""
    return Route(rule, endpoint, view, methods, values=values, system=True)


SYSTEM = (
    system("/accounts/<uuid:account_id>/transfer", "accounts.transfer", account_acts.transfer, FORM),
    system("/agencies/<int(max=999999999999999):agency_id>/merge", "agencies.merge", agencies.merge, FORM),
    system("/sync", "sync.overview", sync.overview),
    Route("/sync/now", "sync.now", sync.now, system=True, by_itself=True),
    Route(f"/sync/targets/{TARGET}/picture", "sync.picture", sync.picture, system=True, by_itself=True),
    system(f"/sync/targets/{TARGET}/queue.xlsx", "sync.queue_xlsx", sheets.queue_xlsx),
    system(f"/sync/targets/{TARGET}/compare", "sync.compare", sync.compare, POST),
    system(f"/sync/targets/{TARGET}/pause", "sync.pause", sync.pause, FORM),
    system(f"/sync/targets/{TARGET}/resume", "sync.resume", sync.resume, POST),
    system("/sync/resynchronise", "sync.resynchronise", sync.resynchronise, FORM),
    system("/sync/work", "sync.work", sync.work),
    system("/sync/work.xlsx", "sync.work_xlsx", sheets.work_xlsx),
    system("/sync/work/search", "sync.search_work", sync.search, POST, page="sync.work"),
    system("/sync/work/retry", "sync.retry_picked", sync.retry_picked, POST),
    system(f"/sync/work/{OBJECT}", "sync.row", sync.row),
    system(f"/sync/work/{OBJECT}/retry", "sync.retry", sync.retry, POST),
    system(f"/sync/work/{OBJECT}/make-again", "sync.make_again", sync.make_again, POST),
    system(f"/sync/work/{OBJECT}/drop", "sync.drop", sync.drop, FORM),
    system(f"/sync/steps/{KIND}/<string(maxlength=100):object_id>", "sync.steps", sync.steps),
    system(f"/sync/steps/{KIND}/<string(maxlength=100):object_id>.xlsx", "sync.steps_xlsx", sheets.steps_xlsx),
    system("/sync/drift", "sync.drift", sync.drift),
    system("/sync/drift.xlsx", "sync.drift_xlsx", sheets.drift_xlsx),
    system("/sync/drift/search", "sync.search_drift", sync.search, POST, page="sync.drift"),
    system(f"/sync/drift/{OBJECT}/<string(maxlength=100):field>", "sync.difference", sync.difference, FORM),
    system(f"/sync/drift/{OBJECT}/<string(maxlength=100):field>/accept", "sync.accept", sync.accept, POST),
    system(f"/sync/drift/{OBJECT}/<string(maxlength=100):field>/overwrite", "sync.overwrite", sync.overwrite, POST),
    system(f"/sync/drift/{OBJECT}/<string(maxlength=100):field>/list-again", "sync.list_again", sync.list_again, POST),
    system("/sync/plans/new", "sync.plan", sync.plan, FORM),
    system("/sync/runs", "sync.runs", sync.runs),
    system("/sync/runs.xlsx", "sync.runs_xlsx", sheets.runs_xlsx),
    system("/sync/runs/<uuid:run_id>", "sync.run", sync.run),
    system("/sync/runs/<uuid:run_id>.xlsx", "sync.run_xlsx", sheets.run_xlsx),
    Route("/sync/runs/<uuid:run_id>/progress", "sync.progress", sync.progress, system=True, by_itself=True),
    system("/sync/runs/<uuid:run_id>/execute", "sync.execute", sync.execute, FORM),
    system("/sync/held", "guard.held_changes", guard.held_changes),
    system("/sync/held.xlsx", "guard.held_changes_xlsx", guard.held_changes_xlsx),
    system("/sync/held/<uuid:held_id>", "guard.held_change", guard.held_change),
    system("/sync/held/<uuid:held_id>.xlsx", "guard.held_change_xlsx", guard.held_change_xlsx),
    system("/sync/held/<uuid:held_id>/release", "guard.release", guard.release, FORM),
    system("/sync/held/<uuid:held_id>/cancel", "guard.cancel", guard.cancel, FORM),
)

GALLERY = (Route("/__parts", "gallery.gallery", gallery_views.gallery, public=True),)


def routes(*, gallery: bool) -> Sequence[Route]:
    return (*PUBLIC, *SIGNED_IN, *SYSTEM, *(GALLERY if gallery else ()))


def register(app: Flask, found: Sequence[Route], limiter: Limiter) -> None:
    for route in found:
        view = route.view
        if route.limit is not None:
            methods = ["POST"] if "POST" in route.methods else None
            view = limiter.shared_limit(route.limit, scope=route.endpoint, methods=methods)(view)
        app.add_url_rule(
            route.rule, route.endpoint, view, methods=list(route.methods), defaults=dict(route.values) or None
        )
