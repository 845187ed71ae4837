"""A day as people write it in forms: 民國 year, month, day in one field; common years are understood, too."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext as _
from wtforms import StringField
from wtforms.validators import StopValidation

from hufu_console.web.language import language
from hufu_console.web.moments import ROC_OFFSET

PARTS = re.compile(r"^\D*(\d{1,4})\D+(\d{1,2})\D+(\d{1,2})\D*$")


def read_day(text: str) -> date | None:
    """115-11-21, 115/11/21, 民國 115 年 11 月 21 日 and 2026-11-21 are the same day; anything else is None."""
    parts = PARTS.match(text.strip())
    if parts is None:
        return None
    year, month, day = (int(part) for part in parts.groups())
    try:
        return date(year if year > ROC_OFFSET else year + ROC_OFFSET, month, day)
    except ValueError:
        return None


def write_day(day: date) -> str:
    return f"{day.year - (0 if language() == 'en' else ROC_OFFSET)}-{day.month:02d}-{day.day:02d}"


class DayField(StringField):
    """`day` is what was entered, or None where it is no day."""

    day: date | None = None

    def process_data(self, value: Any) -> None:
        self.day = value
        self.data = write_day(value) if isinstance(value, date) else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if valuelist:
            self.day = read_day(str(self.data or ""))

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 - WTForms gives it
        if self.day is None:
            raise StopValidation(_("Please enter a day like %(example)s.", example=write_day(date(2026, 11, 21))))
