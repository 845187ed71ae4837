"""The words for codes: a page never shows a code for want of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_babel import gettext as _

from hufu_console.web.feature import composition
from hufu_console.web.missing import report_missing


def label(words: Mapping[str, Any], code: str) -> str:
    """The code's word of these, where all stand beside each other."""
    if code in words:
        return str(words[code])
    report_missing("label", code)
    return str(_("unknown"))


def declared_label(kind: str, code: str) -> str:
    """The word that the code's own feature declares for it: others' pages show it too."""
    return label(composition().labels.get(kind, {}), code)


def event_tag(event: str) -> str:
    """The colour and shape that the event's own feature declares for it, if any."""
    return str(composition().labels.get("event_tag", {}).get(event, "info"))


def set_up(app: Flask) -> None:
    app.jinja_env.globals.update(label=label, declared_label=declared_label, event_tag=event_tag)
