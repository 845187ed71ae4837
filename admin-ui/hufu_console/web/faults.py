"""The rules' faults at the fields they are about."""

from __future__ import annotations

from collections.abc import Mapping

from flask_wtf import FlaskForm
from wtforms.fields.core import Field

from hufu_console.web.sentences import sentence_of


def show_faults(form: FlaskForm, faults: Mapping[str, str], context: Mapping[str, object] | None = None) -> None:
    """Put the rules' sentences to the fields they are about; the rest goes to the form.

    A form's SHOWN_AT names the field at which it shows the fault of one that people do not see.
    """
    shown_at: Mapping[str, str] = getattr(form, "SHOWN_AT", {})
    for name, code in faults.items():
        field: Field | None = form._fields.get(shown_at.get(name, name))
        sentence = sentence_of(code, context if field is None else {**(context or {}), "field": field.label.text})
        if field is None:
            form.form_errors.append(sentence)
        else:
            field.errors = [*field.errors, sentence]
