"""Every text that a form takes has a length, and a text beyond it is refused before anything else looks at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, RadioField, SelectField, StringField

from hufu_console import urls
from hufu_console.web import fields, roc_field
from hufu_console.web.fields import TextLine, TextLines
from hufu_console.web.roc_field import DayField

# What takes one of its own values only.
CHOSEN = (BooleanField, RadioField, SelectField)


def forms(kind: type[FlaskForm] = FlaskForm) -> Iterator[type[FlaskForm]]:
    for form in kind.__subclasses__():
        yield form
        yield from forms(form)


def unbounded(form: type[FlaskForm]) -> list[str]:
    kinds = {name: getattr(form, name).field_class for name in dir(form) if hasattr(getattr(form, name), "field_class")}
    return [f"{form.__name__}.{name}" for name, kind in kinds.items() if not issubclass(kind, (TextLine, *CHOSEN))]


def test_every_text_of_every_form_has_a_length() -> None:
    assert urls.features(gallery=True)
    ours = [form for form in forms() if form.__module__.startswith("hufu_console.")]
    assert len(ours) > 20
    assert [name for form in ours for name in unbounded(form)] == []


def test_a_text_without_a_length_is_found() -> None:
    class Loose(FlaskForm):  # type: ignore[misc]
        name = StringField("")
        day = DayField()

    assert unbounded(Loose) == ["Loose.name"]


def filled(field: Field, text: str) -> FlaskForm:
    kind = type("Filled", (FlaskForm,), {"text": field})
    with Flask(__name__).test_request_context():
        form = kind(MultiDict({"text": text}), meta={"csrf": False})
        form.validate()
        return form


@pytest.fixture(autouse=True)
def said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fields, "sentence_of", lambda code, _context: code)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("", []),
        ("字" * 20, []),
        ("字" * 21, ["too_long"]),
        (" " * 50 + "字", []),
        ("字\r\n" * 9 + "字字", []),
        ("\u0301" * 75_000, ["too_long"]),
    ],
)
def test_a_text_is_as_long_as_a_browser_counts(text: str, errors: list[str]) -> None:
    assert filled(TextLines(longest=20), text).text.errors == errors


def test_a_day_is_not_read_from_what_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roc_field, "PARTS", None)
    form = filled(DayField(), "1" * 75_000)
    assert (form.text.day, form.text.errors) == (None, ["too_long"])
