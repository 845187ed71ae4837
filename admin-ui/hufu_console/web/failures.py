"""What a page says when something goes wrong: one table from the rules' errors to HTTP, and plain words."""

from __future__ import annotations

from contextlib import suppress
from uuid import uuid4

from flask import Flask, Response, flash, g, make_response, redirect, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from werkzeug.exceptions import HTTPException

from hufu_console.sign_in_server import SignInAway, SignInFailed
from hufu_console.web import drafts
from hufu_console.web.feature import composition
from hufu_console.web.logs import log
from hufu_console.web.sentences import sentence
from hufu_console.web.viewer import find_viewer
from hufu_registry.kernel.errors import Conflict, Denied, HufuError, IllegalMove, Invalid, NotFound, RateLimited

STATUS: dict[type[HufuError], int] = {
    NotFound: 404,
    Denied: 403,
    IllegalMove: 409,
    Conflict: 409,
    Invalid: 422,
    RateLimited: 429,
    SignInFailed: 400,
    SignInAway: 503,
}


def status_of(error: HufuError) -> int:
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def title_of(status: int) -> str:
    titles: dict[int, str] = {
        400: _("This did not work"),
        403: _("You may not do this"),
        404: _("There is no such page"),
        405: _("This address does not take that"),
        409: _("This has changed meanwhile"),
        413: _("What was sent is too large"),
        422: _("Something needs to be put right"),
        429: _("Too many tries"),
        503: _("Part of the system is away"),
    }
    return titles.get(status) or str(_("Something went wrong on our side"))


def words_of(status: int) -> str:
    words: dict[int, str] = {
        400: _("Please go back and send the form once more."),
        403: _("Your rights do not cover it. If they should, please ask the manager of your agency."),
        404: _("Either the address is wrong, or what stood here is not for you to see."),
        405: _("Please go back and use the buttons of the page."),
        409: _("Please go back and look at it again."),
        413: _("More was sent than this form takes. Please shorten it."),
        422: _("Please go back and check what you entered."),
        429: _("Please wait a while and try again."),
        503: _("Nothing you saved is lost. Please try again in a few minutes."),
    }
    return words.get(status) or str(
        _("Nothing you saved is lost. Please try again, and if it stays so, tell your system manager the number.")
    )


def page(status: int, said: str | None = None) -> Response:
    """An error page, or, for htmx, its sentence. Whatever failed before he was looked for: the page knows who looks."""
    if "viewer" not in g:
        with suppress(SQLAlchemyError):
            g.viewer = find_viewer(used=False)
    error_id = uuid4().hex[:8]
    log.info("failure", error_id=error_id, request_id=g.get("request_id"), status=status, endpoint=request.endpoint)
    values: dict[str, object] = {
        "title": title_of(status),
        "words": said or words_of(status),
        "error_id": error_id,
        "status": status,
    }
    values["back"] = drafts.page_before()
    return make_response(render_template("error.html", **values), status)


def on_rule(error: HufuError) -> Response:
    answer_to = composition().answers.get(error.code)
    if answer_to is not None and not request.headers.get("HX-Request"):
        return answer_to(error)
    status = status_of(error)
    log.info("refused", code=error.code, status=status, request_id=g.get("request_id"))
    answer = page(status, sentence(error))
    seconds = error.context.get("seconds")
    if isinstance(seconds, int):
        answer.headers["Retry-After"] = str(seconds)
    return answer


def on_csrf(_error: CSRFError) -> Response:
    """The form's token is too old or of another session: keep what was typed and show the form again."""
    kept = drafts.keep_typed()
    if kept is None or request.headers.get("HX-Request"):
        return page(400)
    flash(_("The form was too old, so what you sent was not done. Please look at it and send it again."), "waiting")
    return make_response(redirect(kept, 303))


def on_http(error: HTTPException) -> Response:
    if error.code is not None and error.code < 400:
        return make_response(error.get_response())
    answer = page(error.code or 500)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


def on_fault(error: Exception) -> Response:
    log.error("fault", request_id=g.get("request_id"), endpoint=request.endpoint, exc_info=error)
    return page(500)


def on_store_away(error: OperationalError) -> Response:
    log.error("store_away", request_id=g.get("request_id"), endpoint=request.endpoint, error=type(error.orig).__name__)
    return page(503)


def set_up(app: Flask) -> None:
    app.register_error_handler(OperationalError, on_store_away)
    app.register_error_handler(HufuError, on_rule)
    app.register_error_handler(CSRFError, on_csrf)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(Exception, on_fault)
