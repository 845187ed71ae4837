"""The first page: what waits for me; and whether the console itself is well."""

from __future__ import annotations

from typing import TypeVar

import sqlalchemy as sa
from flask import Response, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hufu_console.web import theme
from hufu_console.web.context import registry
from hufu_console.web.doors import Door, door_url
from hufu_console.web.drafts import page_before
from hufu_console.web.feature import composition
from hufu_console.web.lists import Listing, ListPage, keep_words, kept_words
from hufu_console.web.paging import read_page
from hufu_console.web.viewer import viewer, work_at
from hufu_registry.kernel.paging import Page

T = TypeVar("T")
# Of each list; all of them stand on the list's own page.
FIRST = 5


def home() -> str:
    """What the features have to say to me; for strangers, where to begin."""
    if g.viewer is None:
        return render_template("home/welcome.html")
    blocks = [(block.template, block.shown(viewer())) for block in composition().home]
    return render_template("home/home.html", blocks=[(name, shown) for name, shown in blocks if shown is not None])


def choose_theme() -> ResponseReturnValue:
    """Light, dark or as the system, from now on in this browser; back to the page."""
    response = make_response(redirect(page_before() or door_url(Door.FIRST_PAGE), 303))
    return theme.remember(response, request.form.get("theme", ""))


def choose_place() -> ResponseReturnValue:
    """Where I work now: at one of the agencies that I manage, or all; back to the page."""
    work_at(request.form.get("place", ""))
    return redirect(page_before() or door_url(Door.FIRST_PAGE), 303)


def search() -> ResponseReturnValue:
    """What the lists that the viewer may open have of these words, the first of each; the words are about people, so
    they are posted and kept.
    """
    if request.method == "POST":
        _, draft = keep_words(request.path)
        return redirect(url_for("home.search", draft=draft), 303)
    words = kept_words()
    composed = composition()
    searched = [of for of in composed.searched if words and composed.opens(of.endpoint, viewer())]
    found = [first_of(of, words) for of in searched]
    return render_template("home/search.html", words=words, found=[listing for listing in found if listing.paged.rows])


def first_of(of: ListPage[T], words: str) -> Listing[T]:
    """Nothing but the words narrows it."""
    asked = of.asked({filter_.name: filter_.unfiltered for filter_ in of.filters}, {}, words)
    return Listing(of, asked, read_page(of.read(asked), Page(1, FIRST)))


def healthz() -> Response:
    """200 while the database answers."""
    with registry().read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return jsonify(status="ok")
