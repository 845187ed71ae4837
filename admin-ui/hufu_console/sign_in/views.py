"""Signing in and out through Keycloak."""

from __future__ import annotations

from enum import Enum
from urllib.parse import urlsplit

from flask import Response, flash, g, jsonify, make_response, redirect, request, session, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

import hufu_registry.sessions.use_cases as sessions
from hufu_console.web import drafts
from hufu_console.web import viewer as seen
from hufu_console.web.context import actor, now, reading, registry, settings, sign_in_server
from hufu_console.web.language import keycloak_language
from hufu_registry.kernel.ids import AccountId

NEXT, SIGNING_OUT, CHANGING, STARTED_ANEW = "next", "signing_out", "changing", "started_anew"


class Change(Enum):
    """What people change at the sign-in server; Keycloak's names of these actions."""

    PASSWORD = "UPDATE_PASSWORD"  # noqa: S105 - an action's name
    ONE_TIME_PASSWORD = "CONFIGURE_TOTP"  # noqa: S105


CHANGED = {
    "success": {
        Change.PASSWORD: _l("Your password is changed."),
        Change.ONE_TIME_PASSWORD: _l("Your one-time password is set up anew. The former one is no longer good."),
    },
    "cancelled": {
        Change.PASSWORD: _l("Your password was not changed."),
        Change.ONE_TIME_PASSWORD: _l("Your one-time password was not changed; the former one is still good."),
    },
    "error": {
        Change.PASSWORD: _l("Your password could not be changed. Please try again."),
        Change.ONE_TIME_PASSWORD: _l("Your one-time password could not be set up anew. Please try again."),
    },
}


def own_page(address: str) -> str:
    """The address if it is one of ours, else the first page: nobody is sent elsewhere after signing in."""
    parts = urlsplit(address)
    foreign = parts.scheme or parts.netloc or not address.startswith("/") or address.startswith(("//", "/\\"))
    return url_for("home.home") if foreign else address


def start() -> Response:
    forget_abandoned()
    session[NEXT] = own_page(request.args.get("next", "/"))
    return sign_in_server().send(callback_address(), keycloak_language())


def change_password() -> Response:
    return change(Change.PASSWORD)


def change_one_time_password() -> Response:
    return change(Change.ONE_TIME_PASSWORD)


def change(what: Change) -> Response:
    """The sign-in server keeps both, so the person goes there; whoever signed in a while ago signs in again."""
    forget_abandoned()
    session[NEXT] = url_for("accounts.mine")
    session[CHANGING] = what.name
    return sign_in_server().send(callback_address(), keycloak_language(), action=what.value)


def callback_address() -> str:
    return f"{settings().base}{url_for('sign_in.callback')}"


def callback() -> Response:
    if is_of_no_sign_in() and not session.get(STARTED_ANEW):
        session[STARTED_ANEW] = True
        return make_response(redirect(url_for("sign_in.start", next=session.get(NEXT, "/"))))
    session.pop(STARTED_ANEW, None)
    signed_in = sign_in_server().receive()
    say_changed(session.pop(CHANGING, None), request.args.get("kc_action_status", ""))
    # Whoever came to change something has a session already; it gives way to the new one.
    sessions.end_session(request.cookies.get(seen.COOKIE, ""), registry(), actor())
    token = seen.new_token()
    account_id = AccountId(signed_in.account_id)
    sessions.start_session(token, account_id, signed_in.session_id, signed_in.id_token, registry(), actor())
    drafts.renew_browser(str(account_id))
    goal = own_page(session.pop(NEXT, "/"))
    if session.pop(seen.NOT_DONE, None) == goal:
        flash(
            _("Your session had ended, so what you sent was not done. Please look at it and send it again."), "waiting"
        )
    return seen.remember_session(make_response(redirect(goal)), token)


def is_of_no_sign_in() -> bool:
    """Of a bookmarked sign-in page, one left open too long, or one begun in another browser: nothing is lost yet."""
    expired = request.args.get("error") == "temporarily_unavailable"
    return expired or not sign_in_server().began(request.args.get("state", ""))


def say_changed(what: str | None, status: str) -> None:
    """What became of the change somebody went to the sign-in server for."""
    if what is None or status not in CHANGED:
        return
    flash(CHANGED[status][Change[what]], "good" if status == "success" else "waiting")


def sign_out() -> Response:
    """End the session here, then Keycloak's, which ends all others."""
    token = request.cookies.get(seen.COOKIE, "")
    id_token = id_token_of(token)
    sessions.end_session(token, registry(), actor())
    session[SIGNING_OUT] = True
    home = f"{settings().base}{url_for('sign_in.signed_out')}"
    answer = (
        sign_in_server().sign_out(id_token, home, keycloak_language()) if id_token else make_response(redirect(home))
    )
    return seen.forget_session(answer)


def signed_out() -> Response:
    """Where the sign-in server leads back to."""
    forget_abandoned(kept=0)
    if session.pop(SIGNING_OUT, False) and g.viewer is None:
        flash(_("You are signed out, here and in all systems."), "good")
    return make_response(redirect(url_for("home.home")))


def forget_abandoned(*, kept: int = 2) -> None:
    """Each sign-in that is begun stands in the browser's cookie until it ends; the oldest make room."""
    states = [name for name in session if name.startswith("_state_")]
    for name in states[: max(0, len(states) - kept)]:
        session.pop(name)


def id_token_of(token: str) -> str | None:
    """What tells Keycloak which of its sessions to end."""
    with reading() as work:
        stored = work.sessions.find(sessions.session_key(registry(), token))
    return None if stored is None else registry().keys.open("id_token", stored.id_token_sealed)


def time_left() -> Response:
    """How many seconds the session has; whoever asks does not prolong it."""
    return jsonify(seconds=0 if g.viewer is None else g.viewer.seconds_left)


def extend() -> Response:
    """Somebody is still there, with a page on which he sent nothing. 0 where it was too late."""
    ends_at = sessions.extend_session(request.cookies.get(seen.COOKIE, ""), registry(), actor())
    return jsonify(seconds=0 if ends_at is None else int((ends_at - now()).total_seconds()))


def backchannel_logout() -> Response:
    """Keycloak says that one of its sessions ended: ours ends with it."""
    session_id = sign_in_server().ended_session(request.form.get("logout_token", ""))
    sessions.end_sessions_of_sid(session_id, registry(), actor())
    return make_response("", 200)
