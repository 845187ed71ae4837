"""常用篩選: what is on in a list gets a name, becomes what the list opens with, and is deleted."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.sessions.use_cases as sessions
from hufu_console.web.acts import done
from hufu_console.web.context import actor, registry
from hufu_console.web.drafts import KEY, TOKEN, page_before
from hufu_console.web.feature import composition
from hufu_console.web.lists import kept_words
from hufu_console.web.sentences import sentence, sentence_of
from hufu_console.web.viewer import viewer
from hufu_registry.kernel.errors import Conflict, Invalid

OWN = frozenset({"list", "name", TOKEN, KEY})
# Of everything in a list's address.
MOST_LETTERS = 2_000


def save() -> ResponseReturnValue:
    """Back to the list, as it is seen now; what stands against the name is said there."""
    page, words = list_page(request.form.get("list", "")), kept_words()
    query = {name: value for name, value in request.form.items() if name not in OWN}
    if sum(map(len, (*query, *query.values()))) > MOST_LETTERS:
        raise Invalid("list_unknown")
    command = sessions.SaveFilter(request.form["list"], request.form.get("name", ""), query, words)
    draft = request.form.get(KEY, "")
    try:
        saved = sessions.save_filter(command, registry(), actor())
        flash(_("The filter “%(name)s” was saved.", name=saved.name), "good")
        draft = str(saved.id)
    except Invalid as error:
        flash(": ".join((_("Name of the filter"), *map(sentence_of, error.fields.values()))), "refused")
    except Conflict as error:
        flash(sentence(error), "refused")
    return redirect(f"{page}?{urlencode(query | ({KEY: draft} if words else {}))}", 303)


def put_first(filter_id: UUID) -> ResponseReturnValue:
    first = request.form.get("first") == "yes"
    saved = sessions.put_filter_first(filter_id, first=first, services=registry(), actor=actor())
    said = (
        _("The list opens with “%(name)s” from now on.", name=saved.name)
        if first
        else _("The list opens as it is by itself from now on.")
    )
    return done(said, page_before() or list_page(saved.list_name))


def delete(filter_id: UUID) -> ResponseReturnValue:
    saved = sessions.forget_filter(filter_id, registry(), actor())
    return done(_("The filter “%(name)s” was deleted.", name=saved.name), list_page(saved.list_name))


def list_page(endpoint: str) -> str:
    """Its address. Raises Invalid("list_unknown") for what is no page of the viewer's, or one of something."""
    route = composition().routes.get(endpoint)
    if route is None or "GET" not in route.methods or "<" in route.rule or not composition().opens(endpoint, viewer()):
        raise Invalid("list_unknown")
    return url_for(endpoint)
