"""Fields for texts, each with a length: what is longer is refused before anything else looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel.speaklater import LazyString
from wtforms import StringField
from wtforms.validators import StopValidation
from wtforms.widgets import HiddenInput, TextArea

from hufu_console.web.numbers import MOST_DIGITS, VERSION_DIGITS
from hufu_console.web.sentences import sentence_of
from hufu_registry.kernel.texts import units


class TextLine(StringField):
    def __init__(
        self,
        label: LazyString | None = None,
        *,
        longest: int,
        missing: str = "",
        render_kw: Mapping[str, object] | None = None,
        **kwargs: Any,
    ) -> None:
        """`missing` is the code of an empty one, for forms that find faults before the rules are asked."""
        # Without a maxlength: a browser cuts what is pasted, and says nothing.
        super().__init__(label, render_kw=dict(render_kw or {}), **kwargs)
        self.longest = longest
        self.missing = missing

    @property
    def is_too_long(self) -> bool:
        # A browser counts a new line once and sends it as two.
        typed = str(self.data or "").strip()
        return units(typed) - typed.count("\r\n") > self.longest

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 - WTForms gives it
        if self.is_too_long:
            raise StopValidation(sentence_of("too_long", {"longest": self.longest}))
        if self.missing and not str(self.data or "").strip():
            raise StopValidation(sentence_of(self.missing))


class TextLines(TextLine):
    widget = TextArea()


class HiddenText(TextLine):
    widget = HiddenInput()


def hidden_id(label: LazyString | None = None, *, missing: str = "") -> Any:
    """Of a row that is numbered."""
    return HiddenText(label, longest=MOST_DIGITS, missing=missing)


def hidden_uuid(label: LazyString | None = None) -> Any:
    return HiddenText(label, longest=36)


def hidden_version() -> Any:
    """Of what stood on the page when it was filled in."""
    return HiddenText(longest=VERSION_DIGITS)
