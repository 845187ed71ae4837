"""The first page: what waits for me; and whether the console itself is well."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Response, g, jsonify, render_template

from hufu_console.web.context import registry
from hufu_console.web.feature import composition


def home() -> str:
    """What the features have to say to me; for strangers, where to begin."""
    viewer = g.viewer
    if viewer is None:
        return render_template("home/welcome.html")
    blocks = [(block.template, block.shown(viewer)) for block in composition().home]
    return render_template("home/home.html", blocks=[(name, shown) for name, shown in blocks if shown is not None])


def healthz() -> Response:
    """200 while the database answers."""
    with registry().read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return jsonify(status="ok")
