"""What strangers fill in, whatever the case is. The rules are the registry's; the forms only read and show."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField

from hufu_console.web.fields import TextLine, hidden_uuid
from hufu_registry.people.model import MAILBOX


class MailboxForm(FlaskForm):
    mailbox = TextLine(
        _l("Backup mailbox"), longest=MAILBOX.longest, render_kw={"autocomplete": "email", "inputmode": "email"}
    )


class ConsentForm(FlaskForm):
    """The one box is sent as the version of the text above it."""

    consent = BooleanField(
        _l(
            "I have read and agree to the terms of service and the privacy policy, and have checked that the data "
            "above match my documents."
        )
    )
    draft = hidden_uuid()
