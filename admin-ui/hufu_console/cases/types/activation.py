"""申請個人公務帳號: each field that is the application's own once, and the official mailbox of who needs one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field

from hufu_console.cases.forms import ApproveForm
from hufu_console.web.fields import TextLine, TextLines
from hufu_registry.accounts.model import longest_texts
from hufu_registry.cases.types.activation import Application
from hufu_registry.people.model import MAILBOX

LONGEST = longest_texts(Application)


@dataclass(frozen=True, slots=True)
class ApplicationField:
    """What the application asks beside the future account's fields, under a heading of its own, in this order.

    `name` is the registry's. `kind` is the form's field, asked as `label` says and with `attributes`; pages show it as
    `word`, and its value as `said`.
    """

    name: str
    word: LazyString
    kind: type[Field]
    label: LazyString | None = None
    help: LazyString | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)
    said: Callable[[Any], str] = str

    def widget(self) -> Field:
        given: dict[str, Any] = {"render_kw": dict(self.attributes)} if self.attributes else {}
        longest = LONGEST.get(self.name)
        return self.kind(self.label or self.word, **given, **({} if longest is None else {"longest": longest}))

    def shown(self, application: Application) -> str:
        """In words."""
        return self.said(getattr(application, self.name))


APPLICATION_FIELDS: Mapping[str, ApplicationField] = {
    field.name: field
    for field in (
        ApplicationField(
            "wants_official_mail",
            _l("Official mailbox"),
            BooleanField,
            label=_l("I need an official mailbox"),
            said=lambda wanted: _("needed") if wanted else _("not needed"),
        ),
        ApplicationField(
            "reason",
            _l("Reason"),
            TextLines,
            help=_l("For instance: newly appointed on 1 November, public servant."),
            attributes={"rows": 3},
        ),
    )
}


def application_form() -> Any:
    """A form with these fields."""
    return type("ApplicationFields", (FlaskForm,), {name: field.widget() for name, field in APPLICATION_FIELDS.items()})


def asked_in(form: FlaskForm) -> dict[str, Any]:
    """What the form's fields of an application hold: a tick, or a text as it was typed."""
    typed = {name: form[name].data for name in APPLICATION_FIELDS}
    return {name: value if isinstance(value, bool) else str(value or "") for name, value in typed.items()}


def as_texts(values: Mapping[str, Any]) -> dict[str, str]:
    """The same as a browser would send it: of what is not ticked, nothing."""
    return {name: "y" if value is True else value for name, value in values.items() if value is not False}


def filled_in(application: Application) -> dict[str, str]:
    """The application's values as a form shows them."""
    return as_texts({name: getattr(application, name) for name in APPLICATION_FIELDS})


class ApproveActivation(ApproveForm):
    official_mail = TextLine(
        _l("Official mailbox"), longest=MAILBOX.longest, render_kw={"autocomplete": "off", "inputmode": "email"}
    )
