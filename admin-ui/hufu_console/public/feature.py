"""What the public pages bring."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.public.activation.forms import NameForm
from hufu_console.public.answering import to_mailbox
from hufu_console.public.routes import ROUTES
from hufu_console.web.feature import ConsoleFeature, Followed, FootLink
from hufu_console.web.moments import moment
from hufu_registry.cases.types.activation import ACTIVATION

SENTENCES = {
    "mailbox_shape": _l("This is not a complete e-mail address. Please enter it like name@example.gov.tw."),
    "mailbox_not_verified": _l("Your mailbox has to be verified first, in this browser."),
    "code_wrong": _l("This is not the code of the newest mail. Please compare the six digits."),
    "code_expired": _l("This code is no longer good. Please have a new one sent."),
    "code_used_up": _l("The code was entered wrongly too often. Please have a new one sent."),
    "code_resend_wait": lambda context: ngettext(
        "A code was sent just now. Please wait %(num)s second before asking for another.",
        "A code was sent just now. Please wait %(num)s seconds before asking for another.",
        context.get("seconds", 1),
    ),
    "code_shape": _l("The code is six digits. Please enter them as they stand in the mail."),
    "codes_used_up": lambda context: _(
        "Too many codes were asked for, or entered wrongly. You can have another one sent after %(at)s.",
        at=moment(context["at"]),
    ),
    "network_used_up": lambda context: _(
        "From your network codes were sent to many mailboxes and not entered. A new mailbox can get one after %(at)s.",
        at=moment(context["at"]),
    ),
    "consent_required": _l("Please read the text above as it stands now, and tick the box if you agree."),
    "draft": _l("What was typed is not kept any more. Please fill in the form again."),
    "case_open": _l("An application with this mailbox waits already. There can be one at a time."),
    "mail_domain_refused": _l(
        "This agency accepts only mailboxes of its own domains. Please use your official mailbox."
    ),
}

FEATURE = ConsoleFeature(
    "public",
    ROUTES,
    foot=(
        FootLink(_l("Apply for a personal official account"), "public.apply", 10),
        FootLink(_l("The activation mail has not come"), "public.activation", 20),
        FootLink(_l("Privacy notice"), "public.privacy", 30),
    ),
    sentences=SENTENCES,
    answers={"mailbox_not_verified": to_mailbox},
    followed={ACTIVATION.name: Followed("public.change", NameForm)},
)
