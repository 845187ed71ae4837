"""The rules' codes as sentences: what happened, why, and what to do, without blame. Each feature declares its own."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from hufu_console.web.feature import composition
from hufu_console.web.missing import report_missing
from hufu_registry.kernel.errors import HufuError, Invalid


def sentence_of(code: str, context: Mapping[str, object] | None = None) -> str:
    known = composition().sentences.get(code)
    if known is None:
        report_missing("sentence", code)
        return str(_("This is not possible."))
    if callable(known):
        return str(known(context or {}))
    text = str(known)
    return text % context if context and "%(" in text else text


def sentence(error: HufuError) -> str:
    if isinstance(error, Invalid) and error.fields:
        return " ".join(sentence_of(code, error.context) for code in error.fields.values())
    return sentence_of(error.code, error.context)
