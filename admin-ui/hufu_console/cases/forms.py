"""What a reviewer fills in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField


class ApproveForm(FlaskForm):
    version = HiddenField()
    official_mail = StringField(
        _l("Official mailbox"), render_kw={"autocomplete": "off", "inputmode": "email", "maxlength": 254}
    )


class RejectForm(FlaskForm):
    version = HiddenField()
    reason = TextAreaField(_l("Reason for rejecting"), render_kw={"rows": 4, "maxlength": 500})
