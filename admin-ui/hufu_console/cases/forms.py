"""What a reviewer fills in."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from hufu_console.web.fields import TextLines, hidden_version
from hufu_registry.kernel.texts import REASON


class ApproveForm(FlaskForm):
    """What goes with every approval; a type that asks for more adds fields, whose names its `approve` is given."""

    version = hidden_version()

    def entered(self) -> dict[str, str]:
        return {field.name: str(field.data or "") for field in self if field.name not in {"version", "csrf_token"}}


class RejectForm(FlaskForm):
    version = hidden_version()
    reason = TextLines(_l("Reason for rejecting"), longest=REASON.longest, render_kw={"rows": 4})
