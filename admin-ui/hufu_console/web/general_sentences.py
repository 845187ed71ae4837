"""What the codes mean that no feature owns: of fields, permissions and addresses in general."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l


def unseen(context: Mapping[str, object]) -> str:
    """By its name, where it is one field."""
    if "field" not in context:
        return str(_("There are characters in it that cannot be shown. Please type it anew."))
    return str(_("%(field)s has characters that cannot be seen, or private ones. Please type it anew.", **context))


def too_long(context: Mapping[str, object]) -> str:
    """By how much there is room for, where that is known."""
    if "longest" not in context:
        return str(_("This text is too long."))
    return str(_("This text is too long: at most %(longest)s characters; some rare ones count as two.", **context))


GENERAL: Mapping[str, Any] = {
    "required": _l("This field must be filled in."),
    "too_long": too_long,
    "reason_required": _l("Please give a reason."),
    "page": _l("Either the address is wrong, or what stood here is not for you to see."),
    "changed_meanwhile": _l("Somebody changed this while you were looking at it. Please look at it again."),
    "too_often": _l("Too much was sent from your network. Please wait %(seconds)s seconds and send it again."),
    "version_missing": _l(
        "The form did not arrive whole, so nothing was done. Please load the page again and send it."
    ),
    "right_missing": _l("Your rights do not cover this. If they should, please ask the manager of your agency."),
    "system_managers_only": _l("Only system managers may do this."),
    "control_character": unseen,
    "nothing_to_see": _l("There is nothing in it that can be read."),
    "too_many": _l("There are too many of them."),
}
