"""The only job: write an export that waits, as its owner would see the list now."""

from __future__ import annotations

from uuid import UUID

import structlog
from flask import g

from hufu_console.exports.spreadsheet import asked_of, list_named, permission_of, whole
from hufu_console.web.context import reading, registry
from hufu_console.web.viewer import Viewer
from hufu_registry.exports.model import Export
from hufu_registry.exports.use_cases import (
    Written,
    begin_export,
    fail_export,
    finish_export,
    note_progress,
    owner_of,
)
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AgencyId

log = structlog.get_logger("hufu_console")


def write(export_id: str) -> None:
    """Within the application's context. Harmless when repeated: one at a time writes it, and once it is done nobody."""
    with registry().reading() as work:
        if work.exports.claim(UUID(export_id)):
            write_claimed(UUID(export_id))


def write_claimed(export_id: UUID) -> None:
    try:
        export = begin_export(export_id, registry(), SYSTEM)
        if export is None:
            return
        permission = permission_of(list_named(export.list_name))
        finish_export(export.id, written(export), permission, registry(), owner_of(export))
    except Exception as error:  # noqa: BLE001 - whatever it was, its owner is told, and may try again
        log.warning("export_failed", export_id=str(export_id), error=type(error).__name__)
        fail_export(export_id, registry(), SYSTEM)
    else:
        log.info("export_written", export_id=str(export_id))


def written(export: Export) -> Written:
    """The list in the language, and with the rights, of whom it is for."""
    with reading() as work:
        account = work.accounts.get(export.requested_by)
        words = work.exports.words_of(export.id)
        works_at = export.parameters.get("works_at")
        place = AgencyId(works_at) if isinstance(works_at, int) else None
        agency, rights = work.agencies.get(account.agency_id), work.grants.of(account.id)
        g.viewer = Viewer(account, agency, rights, token="", works_at=place)
    g.language = str(export.parameters["language"])
    of = list_named(export.list_name)
    asked = asked_of(of, export, words)
    return whole(of, asked, lambda rows: note_progress(export.id, rows, registry(), SYSTEM))
