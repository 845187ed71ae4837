"""申請個人公務帳號: the official mailbox of who needs one."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import StringField

from hufu_console.cases.forms import ApproveForm


class ApproveActivation(ApproveForm):
    official_mail = StringField(
        _l("Official mailbox"), render_kw={"autocomplete": "off", "inputmode": "email", "maxlength": 254}
    )
