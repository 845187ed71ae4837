"""Signing in and out through Keycloak."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Response, flash, make_response, redirect, request, session, url_for
from flask_babel import gettext as _

import hufu_registry.sessions.use_cases as sessions
from hufu_console.web import viewer as seen
from hufu_console.web.context import actor, reading, registry, settings, sign_in_server
from hufu_console.web.language import keycloak_language
from hufu_registry.kernel.ids import AccountId

NEXT = "next"


def own_page(address: str) -> str:
    """The address if it is one of ours, else the first page: nobody is sent elsewhere after signing in."""
    parts = urlsplit(address)
    foreign = parts.scheme or parts.netloc or not address.startswith("/") or address.startswith(("//", "/\\"))
    return url_for("home.home") if foreign else address


def start() -> Response:
    forget_abandoned()
    session[NEXT] = own_page(request.args.get("next", "/"))
    return sign_in_server().send(f"{settings().base}{url_for('sign_in.callback')}", keycloak_language())


def callback() -> Response:
    signed_in = sign_in_server().receive()
    token = seen.new_token()
    account_id = AccountId(signed_in.account_id)
    sessions.start_session(token, account_id, signed_in.session_id, signed_in.id_token, registry(), actor())
    return seen.remember_session(make_response(redirect(own_page(session.pop(NEXT, "/")))), token)


def sign_out() -> Response:
    """End the session here, then Keycloak's, which ends all others."""
    token = request.cookies.get(seen.COOKIE, "")
    id_token = id_token_of(token)
    sessions.end_session(token, registry(), actor())
    home = f"{settings().base}{url_for('sign_in.signed_out')}"
    answer = (
        sign_in_server().sign_out(id_token, home, keycloak_language()) if id_token else make_response(redirect(home))
    )
    return seen.forget_session(answer)


def signed_out() -> Response:
    """Where the sign-in server leads back to."""
    forget_abandoned(kept=0)
    flash(_("You are signed out, here and in all systems."), "good")
    return make_response(redirect(url_for("home.home")))


def forget_abandoned(*, kept: int = 2) -> None:
    """Each sign-in that is begun stands in the browser's cookie until it ends; the oldest make room."""
    begun = [name for name in session if name.startswith("_state_")]
    for name in begun[: max(0, len(begun) - kept)]:
        session.pop(name)


def id_token_of(token: str) -> str | None:
    """What tells Keycloak which of its sessions to end."""
    with reading() as work:
        stored = work.sessions.find(sessions.session_key(registry(), token))
    return None if stored is None else registry().keys.open("id_token", stored.id_token_sealed)


def backchannel_logout() -> Response:
    """Keycloak says that one of its sessions ended: ours ends with it."""
    session_id = sign_in_server().ended_session(request.form.get("logout_token", ""))
    sessions.end_sessions_of_sid(session_id, registry(), actor())
    return make_response("", 200)
