"""What somebody typed, kept in PostgreSQL while a session ends or a form is looked over; only a random key is in the
address. A draft belongs to the browser and the account that was last signed in there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit
from uuid import UUID

from flask import current_app, g, request, session
from flask_wtf.csrf import generate_csrf
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

import hufu_registry.sessions.use_cases as sessions
from hufu_console.web.context import actor, reading, registry
from hufu_console.web.doors import Door, door_url

KEY, TOKEN = "draft", "csrf_token"
NEVER_KEPT = frozenset({TOKEN, "code", KEY})
MOST_LETTERS = 20_000


def browser() -> str:
    """The browser's own random value, made when first needed."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(32)
    return str(session["browser"])


def owner() -> str:
    return owner_in(browser(), session.get("account", ""))


def owner_in(browser: str, account: str) -> str:
    return f"{browser}:{account}"


def renew_browser(account: str) -> None:
    """Another random value and another form token, now that more is known of who sits there: whoever had put his own
    there before shares nothing. What this browser proved, and what it keeps for the account, goes along.
    """
    old, new = browser(), secrets.token_urlsafe(32)
    change = sessions.ChangeBrowser(old, new, owner_in(old, account), owner_in(new, account))
    sessions.change_browser(change, registry(), actor())
    session["browser"] = new
    session.pop(TOKEN, None)
    g.pop(TOKEN, None)
    generate_csrf()


def is_our_form() -> bool:
    """Whether a browser with our cookie sent a form of ours, be its token too old or of an earlier sign-in."""
    if TOKEN not in session:
        return False
    tokens = URLSafeTimedSerializer(current_app.secret_key or "", salt="wtf-csrf-token")
    try:
        tokens.loads(request.form.get(TOKEN, ""))
    except BadData:
        return False
    return True


def page_of_form() -> str:
    """The page a sent form stood on: its own address where that can be looked at, else where it was sent from."""
    if leads_to_a_page(request.path):
        return request.full_path.rstrip("?")
    return page_before() or door_url(Door.FIRST_PAGE)


def answered_page() -> str:
    """Where what answers this sent form can be looked at, with what was typed if it is kept."""
    return str(g.get("answered_page") or page_of_form())


def answer_at(page: str) -> None:
    g.answered_page = page


def keep_answered() -> None:
    """The page that answers is left and come back to without its form being sent again."""
    if "answered_page" not in g:
        answer_at(keep_typed() or page_of_form())


def page_before() -> str | None:
    """The page of ours that led here."""
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:
        return None
    # "//host" would lead to another one.
    if came_from.netloc != request.host or came_from.path.startswith("//") or not leads_to_a_page(came_from.path):
        return None
    return came_from.path + (f"?{came_from.query}" if came_from.query else "")


def leads_to_a_page(path: str) -> bool:
    try:
        current_app.create_url_adapter(request).match(path, method="GET")  # type: ignore[union-attr]
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return False
    return True


def with_draft(page: str, draft_id: UUID) -> str:
    path, _, query = page.partition("?")
    rest = [part for part in query.split("&") if part and not part.startswith(f"{KEY}=")]
    return f"{path}?{'&'.join([*rest, f'{KEY}={draft_id}'])}"


def keep(page: str, fields: Mapping[str, str]) -> UUID:
    return sessions.keep_draft(owner(), page, fields, registry(), actor())


def keep_typed() -> str | None:
    """Keep the sent form; the address that shows it again, or None where it is too much, or none of ours."""
    fields = {name: value for name, value in request.form.items() if name not in NEVER_KEPT}
    page = page_of_form()
    key = draft_key() if request.form.get(KEY) else None
    if key is not None:
        # What matters was kept before; the form only carries its key along.
        return with_draft(page, key)
    if request.method != "POST" or not is_our_form() or sum(map(len, fields.values())) > MOST_LETTERS:
        return None
    return with_draft(page, keep(page, fields)) if fields else page


def remember(key: UUID) -> None:
    """Whoever opens the draft's form anew finds what he typed."""
    session[KEY] = str(key)


def remembered() -> str | None:
    """The key of the form that was typed last in this browser and not sent, where the address names none."""
    return None if KEY in request.args else session.get(KEY)


def forget_typed() -> None:
    """It was sent, or somebody else sits at this browser now."""
    session.pop(KEY, None)


def draft_key() -> UUID | None:
    text = request.values.get(KEY, "")
    try:
        return UUID(text)
    except ValueError:
        return None


def kept() -> Mapping[str, str] | None:
    """The fields of the draft that the address or the form names, if it is this browser's."""
    key = draft_key()
    if key is None:
        return None
    with reading() as work:
        draft = sessions.take_draft(key, owner(), registry(), work)
    return None if draft is None else draft.fields


def typed() -> MultiDict[str, str] | None:
    """What a form shows: what was sent just now, else what was kept, else None."""
    if request.method == "POST":
        return request.form
    fields = kept()
    if fields is None:
        return None
    g.restored = True
    return MultiDict(dict(fields))


def forget(key: UUID) -> None:
    sessions.forget_draft(key, owner(), registry(), actor())
