"""Handing in an act that may take something from many accounts: done, asked about first, or held."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from hufu_console.guard.lists import ABOUT_TO_LOSE
from hufu_console.web.acts import done
from hufu_console.web.context import actor, registry
from hufu_console.web.feature import composition
from hufu_console.web.lists import Asked, Listing
from hufu_console.web.numbers import VERSION_DIGITS, number_of
from hufu_console.web.viewer import viewer
from hufu_registry.guard.model import Held, Unconfirmed
from hufu_registry.guard.use_cases import Command, submit
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.paging import Page, Paged

HELD, RUN = "guard.held_change", "sync.run"
NOT_REPEATED = frozenset({"csrf_token", "confirmed"})


def submitted(
    command: Command, title: str, said: Callable[[Any], object], back: str, *, targets: Collection[Target] = ()
) -> ResponseReturnValue:
    """Go back and say what came of it; or show who would lose something and ask, with the form as it was sent; or say
    that it is held. Who may open the run, or the held set, is led on to it.

    `targets` are those that what is `said` promises something of. Raises what the act itself raises.
    """
    outcome = submit(command, registry(), actor(), confirmed=confirmed())
    if isinstance(outcome, Unconfirmed):
        listing = Listing(ABOUT_TO_LOSE, Asked(), Paged(outcome.changes, outcome.count, Page()))
        hidden = {name: value for name, value in request.form.items() if name not in NOT_REPEATED}
        return render_template(
            "guard/unconfirmed.html", action=request.path, title=title, back=back, count=outcome.count,
            changes=listing, hidden=hidden | {"confirmed": outcome.count},
        )  # fmt: skip
    if isinstance(outcome, Held):
        words = ngettext(
            "It touches %(num)s account and is held until a system manager releases it. Nothing has happened yet.",
            "It touches %(num)s accounts and is held until a system manager releases it. Nothing has happened yet.",
            outcome.count,
        )
        flash(words, "waiting")
        return redirect(url_for(HELD, held_id=outcome.held_id) if may_open(HELD) else back, 303)
    run = url_for(RUN, run_id=outcome.run_id) if outcome.run_id and may_open(RUN) else None
    return done(said(outcome.result), run or back, targets=targets)


def may_open(endpoint: str) -> bool:
    return composition().opens(endpoint, viewer())


def confirmed() -> int | None:
    """The number the page named before."""
    return number_of(request.form.get("confirmed"), digits=VERSION_DIGITS)
