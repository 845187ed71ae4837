"""What signing in brings."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from hufu_console.sign_in.routes import ROUTES
from hufu_console.web.doors import Door
from hufu_console.web.feature import ConsoleFeature

SENTENCES = {
    "logout_token": _l("This notice of a sign-out does not hold."),
    "sign_in_away": _l("The sign-in server does not answer. Please try again in a few minutes."),
    "sign_in_failed": _l("Signing in was broken off or took too long. Please start it again."),
    "account_unknown": _l("This sign-in belongs to no account of ours. Please ask the manager of your agency."),
    "account_not_enabled": _l("This account is off. Please ask the manager of your agency."),
}

FEATURE = ConsoleFeature(
    "sign_in",
    ROUTES,
    doors={
        Door.SIGN_IN: "sign_in.start",
        Door.SIGN_OUT: "sign_in.sign_out",
        Door.TIME_LEFT: "sign_in.time_left",
        Door.EXTEND: "sign_in.extend",
    },
    sentences=SENTENCES,
)
