"""The first page: what waits for me; and whether the console itself is well."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Response, g, jsonify, render_template

from hufu_console.accounts import queries as accounts
from hufu_console.cases import queries as cases
from hufu_console.web.context import registry
from hufu_registry.cases.model import CaseState
from hufu_registry.kernel.paging import Page


def home() -> str:
    """What waits for me; for strangers, where to begin."""
    me = g.viewer
    if me is None:
        return render_template("home/welcome.html")
    waiting = cases.waiting(me, Page(1, 5), state=CaseState.PENDING, words="", agency_id=None)
    view = accounts.view_of(me, me.account_id)
    return render_template("home/home.html", waiting=waiting, view=view, manages=me.rights.is_manager)


def healthz() -> Response:
    """200 while the database answers."""
    with registry().read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return jsonify(status="ok")
