"""What a reviewer fills in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField


class ApproveForm(FlaskForm):
    """What goes with every approval; a type that asks for more adds fields, whose names its `approve` is given."""

    version = HiddenField()

    def entered(self) -> dict[str, str]:
        return {field.name: str(field.data or "") for field in self if field.name not in {"version", "csrf_token"}}


class RejectForm(FlaskForm):
    version = HiddenField()
    reason = TextAreaField(_l("Reason for rejecting"), render_kw={"rows": 4, "maxlength": 500})
