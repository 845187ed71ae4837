"""The first page: what waits for me; and whether the console itself is well."""

from __future__ import annotations

import sqlalchemy as sa
from flask import Response, jsonify, render_template

from hufu_console.frame.context import registry


def home() -> str:
    return render_template("home/home.html")


def healthz() -> Response:
    """200 while the database answers."""
    with registry().read() as connection:
        connection.execute(sa.text("SELECT 1"))
    return jsonify(status="ok")
