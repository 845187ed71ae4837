"""What stands against a change of an agency, in the words of its page."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _

from hufu_console.web.labels import declared_label


def agency_in_use(context: Mapping[str, object]) -> str:
    return str(_("It cannot be closed while it still has: %(what)s.", what=dependents_in(context)))


def unit_in_use(context: Mapping[str, object]) -> str:
    return str(
        _(
            "This unit still has: %(what)s. They belong to its present agency and have to change agency first.",
            what=dependents_in(context),
        )
    )


def dependents_in(context: Mapping[str, object]) -> str:
    """What has to go first; each feature has the word for what it hangs on agencies."""
    if "reasons" not in context:
        # A held change keeps only the code of what stood against it.
        return str(_("things in use"))
    return str(_(", ")).join(declared_label("dependent", name) for name in str(context["reasons"]).split(", "))
