"""A day as people write it in forms: 民國 year, month, day in one field; common years are understood, too."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from wtforms.validators import StopValidation

from hufu_console.web.fields import TextLine
from hufu_console.web.language import language
from hufu_console.web.moments import ROC_OFFSET
from hufu_registry.kernel.texts import PASTED, Text, narrow

PARTS = re.compile(r"^\D*(\d{1,4})\D+(\d{1,2})\D+(\d{1,2})\D*$|^(\d{3,4})(\d\d)(\d\d)$")
DAY = Text(PASTED, narrow)


def read_day(text: str) -> date | None:
    """115-11-21, 115/11/21, 1151121, 民國 115 年 11 月 21 日 and 2026-11-21 are the same day; anything else is None."""
    written = DAY.clean(text)
    parts = None if len(written) > DAY.longest else PARTS.match(written)
    if parts is None:
        return None
    year, month, day = (int(part) for part in parts.groups() if part is not None)
    try:
        return date(year if year > ROC_OFFSET else year + ROC_OFFSET, month, day)
    except ValueError:
        return None


def write_day(day: date) -> str:
    return f"{day.year - (0 if language() == 'en' else ROC_OFFSET)}-{day.month:02d}-{day.day:02d}"


class DayField(TextLine):
    """`day` is what was entered, or None where it is no day."""

    day: date | None = None

    def __init__(self, label: LazyString | None = None, **kwargs: Any) -> None:
        super().__init__(label, longest=DAY.longest, **kwargs)

    @property
    def format(self) -> str:
        """How a day is written."""
        return str(_("A day like %(example)s.", example=write_day(date(2026, 11, 21))))

    def process_data(self, value: Any) -> None:
        self.day = value
        self.data = write_day(value) if isinstance(value, date) else ""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        if valuelist:
            self.day = read_day(str(self.data or ""))

    def pre_validate(self, form: Any) -> None:
        super().pre_validate(form)
        if self.day is None:
            raise StopValidation(_("Please enter a day like %(example)s.", example=write_day(date(2026, 11, 21))))
