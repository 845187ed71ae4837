"""What a system manager fills in about the sync engine's work."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from hufu_console.web.fields import TextLine, TextLines, hidden_id
from hufu_console.web.numbers import number_in
from hufu_console.web.roc_field import DayField
from hufu_registry.accounts.model import ACCOUNT_NAME
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.texts import REASON

WHY: dict[str, Any] = {"longest": REASON.longest, "render_kw": {"rows": 3}}


class PauseForm(FlaskForm):
    why = TextLines(_l("Why it is paused"), **WHY)


class DropForm(FlaskForm):
    why = TextLines(_l("Why it is dropped"), **WHY)


class IgnoreForm(FlaskForm):
    until = DayField(_l("Until which day"))


class AgencyForm(FlaskForm):
    agency_id = hidden_id(_l("Which agency"))

    def agency(self) -> AgencyId | None:
        """The one that was picked. Raises Invalid for what is no number: it does not mean all of them."""
        number = number_in(self.agency_id)
        if number is None and self.agency_id.data:
            raise Invalid(fields={"agency_id": "agency_unknown"})
        return None if number is None else AgencyId(number)


class PlanForm(AgencyForm):
    account_name = TextLine(
        _l("Account name"), longest=ACCOUNT_NAME.longest, render_kw={"autocomplete": "off", "spellcheck": "false"}
    )
