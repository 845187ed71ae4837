"""匯出: how far a spreadsheet is that takes longer, and the file."""

from __future__ import annotations

import io
from uuid import UUID

from flask import Response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

import hufu_registry.exports.use_cases as exports
from hufu_console.exports import spreadsheet
from hufu_console.exports.queue import wake
from hufu_console.exports.spreadsheet import asked_of, attached, list_named, permission_of
from hufu_console.web.context import actor, reading, registry, settings
from hufu_registry.exports.model import Export


def own(export_id: UUID) -> Export:
    """Raises NotFound("export") for everybody else's."""
    with reading() as work:
        return exports.own_export(export_id, work, actor())


def export(export_id: UUID) -> str:
    export = own(export_id)
    of = list_named(export.list_name)
    list_url = of.url(asked_of(of, export, words=""))
    return render_template("exports/export.html", export=export, of=of, list_url=list_url, most=spreadsheet.MOST_ROWS)


def progress(export_id: UUID) -> str:
    """How far it is alone, for the page that looks again by itself."""
    return render_template("exports/_export.html", export=own(export_id), most=spreadsheet.MOST_ROWS)


def download(export_id: UUID) -> Response:
    of = list_named(own(export_id).list_name)
    with reading() as work:
        export, content = exports.take_content(export_id, permission_of(of), work, actor())
    return attached(io.BytesIO(content), export.file_name, of.recorded)


def retry(export_id: UUID) -> ResponseReturnValue:
    permission = permission_of(list_named(own(export_id).list_name))
    exports.retry_export(export_id, permission, registry(), actor())
    wake(settings(), export_id)
    return redirect(url_for("exports.export", export_id=export_id), 303)
