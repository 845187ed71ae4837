"""What 匯出 bring."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.exports.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature

SENTENCES = {
    "export": _l("This spreadsheet is not there, or no longer. Please have it made again from its list."),
    "export_scope": _l("It holds what is not in your scope any more. Please have it made again from its list."),
    "export_state": _l("This spreadsheet is on its way already, or finished."),
}

FEATURE = ConsoleFeature("exports", ROUTES, sentences=SENTENCES)
