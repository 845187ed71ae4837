"""What is filled in to release a held set, or to throw it away."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField


class VersionForm(FlaskForm):
    version = HiddenField()


class CancelForm(VersionForm):
    reason = TextAreaField(_l("Why it is thrown away"), render_kw={"rows": 3, "maxlength": 500})
