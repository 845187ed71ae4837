"""The one way of a page that does something: GET says what it means, POST does it and goes on, and what stands against
it is said where the form stands, with what was typed; that is kept, so that the page can be left and come back to.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

from hufu_console.web import drafts
from hufu_console.web.faults import show_faults
from hufu_console.web.following import held_up
from hufu_console.web.sentences import sentence
from hufu_registry.kernel.errors import Conflict, IllegalMove, Invalid
from hufu_registry.kernel.outbox import Target


def filled(kind: type[FlaskForm], **values: object) -> Any:
    """The form: what was sent and nothing else, or what was kept, filled up with these values."""
    return kind(formdata=request.form) if request.method == "POST" else kind(formdata=drafts.typed(), data=values)


def done(said: object, then: str, *, targets: Collection[Target] = ()) -> ResponseReturnValue:
    """It was done: say so, and go on there. What is `said` promises something of `targets`, if any: if one of them is
    paused, it waits there, and that is said instead.
    """
    if held := held_up(targets):
        flash(_("It is done here. %(held)s", held=held), "waiting")
    else:
        flash(str(said), "good")
    return redirect(then, 303)


def act_page(
    form: FlaskForm, template: str, act: Callable[[], ResponseReturnValue], *, look_again: bool = False, **shown: Any
) -> ResponseReturnValue:
    """Show the form; when it was sent, act and answer what `act` answers, or say on the page what stands against it.

    `look_again` is for a form that is worth nothing any more once somebody else was first: that is a page of its own.
    """
    if request.method == "POST" and form.validate():
        try:
            return act()
        except Invalid as error:
            show_faults(form, error.fields, error.context)
            if not error.fields:
                form.form_errors.append(sentence(error))
        except (IllegalMove, Conflict) as error:
            if look_again:
                raise
            form.form_errors.append(sentence(error))
    if form.errors:
        drafts.keep_answered()
    return render_template(template, form=form, **shown), 422 if form.errors else 200
