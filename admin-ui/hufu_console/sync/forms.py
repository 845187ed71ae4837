"""What a system manager fills in about the sync engine's work."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, StringField, TextAreaField

from hufu_console.web.numbers import number_in
from hufu_console.web.roc_field import DayField
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AgencyId

ROWS = {"rows": 3, "maxlength": 500}


class PauseForm(FlaskForm):
    why = TextAreaField(_l("Why it is paused"), render_kw=ROWS)


class DropForm(FlaskForm):
    why = TextAreaField(_l("Why it is dropped"), render_kw=ROWS)


class IgnoreForm(FlaskForm):
    until = DayField(_l("Until which day"))


class AgencyForm(FlaskForm):
    agency_id = HiddenField(_l("Which agency"))

    def agency(self) -> AgencyId | None:
        """The one that was picked. Raises Invalid for what is no number: it does not mean all of them."""
        number = number_in(self.agency_id)
        if number is None and self.agency_id.data:
            raise Invalid(fields={"agency_id": "agency_unknown"})
        return None if number is None else AgencyId(number)


class PlanForm(AgencyForm):
    account_name = StringField(
        _l("Account name"), render_kw={"autocomplete": "off", "spellcheck": "false", "maxlength": 15}
    )
