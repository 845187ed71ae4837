"""What stands against a change of an agency, in the words of its page."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from hufu_console.web.missing import report_missing


def in_use(context: Mapping[str, object]) -> str:
    """What has to go first, by the reasons that the registry names."""
    words = {
        "accounts": _("accounts"),
        "grants": _("managers"),
        "cases": _("open cases"),
        "children": _("open agencies or units below it"),
    }
    reasons = str(context.get("reasons", "")).split(", ")
    for reason in set(reasons) - set(words):
        report_missing("word", reason)
    held = [words[reason] for reason in reasons if reason in words]
    return str(_("It cannot be closed while it still has: %(what)s.", what=_(", ").join(held)))
