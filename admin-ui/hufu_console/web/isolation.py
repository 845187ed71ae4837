"""What people write from right to left stays within its own place, wherever a page shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Flask
from flask_babel import Babel, Domain
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from hufu_registry.kernel.texts import isolated


def of_value(value: Any) -> Any:
    """Text as it is shown; what is markup already has its own places."""
    return isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def of_values(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: of_value(value) for name, value in values.items()}


class IsolatingDomain(Domain):
    """The sentences of the code, with what is put into them."""

    def gettext(self, string: str, **variables: Any) -> str:
        return str(super().gettext(string, **of_values(variables)))

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        return str(super().ngettext(singular, plural, num, **of_values(variables)))


def in_sentences(translate: Callable[..., str]) -> Callable[..., str]:
    """A template's gettext or ngettext, which does the same."""

    @pass_context
    def isolating(context: Context, *messages: Any, **variables: Any) -> str:
        return translate(context, *messages, **of_values(variables))

    return isolating


def set_up(app: Flask, babel: Babel) -> None:
    babel.domain_instance = IsolatingDomain()
    # Every `{{ }}`. Forms are markup, and what a template sends back itself is escaped by hand (`value="{{ it|e }}"`),
    # so that it comes back as it was typed.
    app.jinja_env.finalize = of_value
    sentences: Any = app.jinja_env.globals
    for name in ("gettext", "ngettext"):
        sentences[name] = in_sentences(sentences[name])
