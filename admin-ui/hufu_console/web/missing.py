"""What to do where a code has no words: a test fails, people read a neutral word, and the log tells which."""

from __future__ import annotations

from flask import current_app

from hufu_console.web.logs import log


def report_missing(what: str, code: str) -> None:
    """Raises LookupError in tests."""
    if current_app.testing:
        message = f"There is no {what} for {code}."
        raise LookupError(message)
    log.error("word_missing", what=what, code=code)
