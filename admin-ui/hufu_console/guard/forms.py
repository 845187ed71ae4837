"""What is filled in to release a held set, or to throw it away."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from hufu_console.web.fields import TextLines, hidden_version
from hufu_registry.kernel.texts import REASON


class VersionForm(FlaskForm):
    version = hidden_version()


class CancelForm(VersionForm):
    reason = TextLines(_l("Why it is thrown away"), longest=REASON.longest, render_kw={"rows": 3})
