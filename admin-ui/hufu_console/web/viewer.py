"""Who looks at the page: the cookie's session, and his rights as the registry has them at this very request."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from flask import Flask, Response, g, make_response, redirect, request, session

import hufu_registry.sessions.use_cases as sessions
from hufu_console.web import drafts
from hufu_console.web.context import actor, end_reading, reading, registry, settings
from hufu_console.web.doors import Door, door_url
from hufu_console.web.routing import MACHINES, Route
from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.rights.model import Rights

COOKIE = "hufu_session"
# The page of a form that was sent when its session had ended.
NOT_DONE = "not_done"
WORKS_AT = "works_at"


@dataclass(frozen=True, slots=True)
class Viewer:
    """`token` is the cookie's random value, `seconds_left` until the session ends if nobody is at it. `works_at` is the
    one of the agencies he manages to which his lists are narrowed; None for all that he may see.
    """

    account: Account
    agency: Agency
    rights: Rights
    token: str
    seconds_left: int = 0
    works_at: AgencyId | None = None

    @property
    def places(self) -> Sequence[AgencyId]:
        """Where he may choose to work: none, where his rights are of one place alone."""
        rooted = dict.fromkeys(grant.agency_id for grant in self.rights.grants)
        return [place for place in rooted if place is not None] if len(rooted) > 1 else []

    @property
    def account_id(self) -> AccountId:
        return self.account.id

    @property
    def display_name(self) -> str:
        return self.account.profile.name

    @property
    def agency_name(self) -> str:
        return self.agency.name


def viewer() -> Viewer:
    """The signed-in official of a page that only such may see."""
    signed_in = cast("Viewer | None", g.get("viewer"))
    if signed_in is None:
        raise NotFound("page")
    return signed_in


def find_viewer(*, used: bool) -> Viewer | None:
    """Who is signed in; `used` says that a person is at it, so that his session goes on."""
    token = request.cookies.get(COOKIE)
    if not token:
        return None
    with reading() as work:
        live = sessions.live_session(token, registry(), work)
        account = None if live is None else work.accounts.find(live.account_id)
        if live is None or account is None or account.state in (AccountState.DISABLED, AccountState.DELETED):
            return None
        due = used and live.is_untouched(work.now)
        ends_at = (replace(live, seen_at=work.now) if due else live).ends_at(work.policy)
        left = int((ends_at - work.now).total_seconds())
        viewer = Viewer(account, work.agencies.get(account.agency_id), work.grants.of(account.id), token, left)
        viewer = replace(viewer, works_at=chosen_place(viewer))
    if due:
        end_reading()
        sessions.keep_alive(live, registry(), actor())
    return viewer


def chosen_place(viewer: Viewer) -> AgencyId | None:
    """What he chose in this browser, as long as it is one of his."""
    return next((place for place in viewer.places if place == session.get(WORKS_AT)), None)


def work_at(text: str) -> None:
    """From now on in this browser; everywhere for what is none of his places."""
    session[WORKS_AT] = next((place for place in viewer().places if str(place) == text), None)


def remember_session(response: Response, token: str) -> Response:
    response.set_cookie(COOKIE, token, httponly=True, samesite="Lax", secure=settings().cookie_secure, path="/")
    return response


def forget_session(response: Response) -> Response:
    response.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=settings().cookie_secure, path="/")
    return response


def new_token() -> str:
    return secrets.token_urlsafe(32)


def to_sign_in() -> Response:
    """To the sign-in page and back here; what was typed is kept meanwhile."""
    page = request.full_path.rstrip("?") if request.method == "GET" else drafts.keep_typed()
    back = page or door_url(Door.FIRST_PAGE)
    if request.method == "POST":
        session[NOT_DONE] = back
    if request.headers.get("HX-Request"):
        answer = make_response("", 401)
        answer.headers["HX-Redirect"] = door_url(Door.SIGN_IN, next=drafts.page_before() or drafts.page_of_form())
        return answer
    return make_response(redirect(door_url(Door.SIGN_IN, next=back), 303))


def set_up(app: Flask, routes: Mapping[str, Route]) -> None:
    """Nobody gets to a view that its route does not open to him; what he may do there, the use case asks anew.

    What a page asks for `by_itself` keeps no session alive.
    """

    @app.before_request
    def look() -> Response | None:
        g.viewer = None
        if request.endpoint == "static":
            return None
        if request.endpoint is None:
            g.viewer = find_viewer(used=False)
            return None
        route = routes[request.endpoint]
        if route.asks is MACHINES:
            return None
        g.viewer = find_viewer(used=not route.by_itself)
        if g.viewer is None:
            return None if route.is_open else to_sign_in()
        session["account"] = str(g.viewer.account_id)
        refusal = route.refusal(g.viewer.rights)
        if refusal is not None:
            raise refusal
        return None
