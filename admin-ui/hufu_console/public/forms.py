"""What strangers fill in, whatever the case is. The rules are the registry's; the forms only read and show."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField


class MailboxForm(FlaskForm):
    mailbox = StringField(
        _l("Backup mailbox"), render_kw={"autocomplete": "email", "inputmode": "email", "maxlength": 254}
    )


class CodeForm(FlaskForm):
    code = StringField(
        _l("Code of six digits"),
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 12},
    )


class ConsentForm(FlaskForm):
    consent = BooleanField(_l("I have read the terms of service and the privacy policy and agree to them."))
    confirmed = BooleanField(_l("I have checked that the data above match my documents."))
    draft = HiddenField()
