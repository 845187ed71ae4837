"""What stands against a change of an agency, in the words of its page."""

from __future__ import annotations

from flask_babel import gettext as _

from hufu_console.web.sentences import sentence
from hufu_registry.kernel.errors import HufuError


def refusal(error: HufuError) -> str:
    """Why the change was refused, and what to do first."""
    if error.code != "agency_in_use":
        return sentence(error)
    words = {
        "accounts": _("accounts"),
        "grants": _("managers"),
        "cases": _("open cases"),
        "children": _("open agencies or units below it"),
    }
    held = [words.get(one, one) for one in str(error.context.get("reasons", "")).split(", ")]
    return str(_("It cannot be closed while it still has: %(what)s.", what=_(", ").join(held)))
