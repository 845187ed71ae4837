"""The first steps of every public journey: name a mailbox, enter the code that was mailed there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

import hufu_registry.people.use_cases as people
from hufu_console.accounts.forms import CodeForm
from hufu_console.public import queries
from hufu_console.public.forms import MailboxForm
from hufu_console.web import drafts
from hufu_console.web.acts import act_page, filled
from hufu_console.web.context import actor, registry
from hufu_console.web.drafts import browser
from hufu_console.web.language import language
from hufu_console.web.sentences import sentence
from hufu_registry.kernel.errors import Invalid, RateLimited
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode


@dataclass(frozen=True, slots=True)
class Journey:
    """A purpose, where it starts, and where it goes on once the mailbox is proved."""

    purpose: Purpose
    title: Any
    template: str
    start: str
    code: str
    resend: str
    goal: str


JOURNEYS = {
    Purpose.APPLY: Journey(
        Purpose.APPLY, _l("Apply for a personal official account"), "public/apply.html",
        "public.apply", "public.apply_code", "public.apply_resend", "public.form",
    ),
    Purpose.FOLLOW: Journey(
        Purpose.FOLLOW, _l("See or change my application"), "public/follow.html",
        "public.follow", "public.follow_code", "public.follow_resend", "public.own_case",
    ),
    Purpose.RESEND: Journey(
        Purpose.RESEND, _l("The activation mail has not come"), "public/activation.html",
        "public.activation", "public.activation_code", "public.activation_resend", "public.own_accounts",
    ),
}  # fmt: skip


def start(purpose: Purpose) -> ResponseReturnValue:
    journey, form = JOURNEYS[purpose], filled(MailboxForm)

    def act() -> ResponseReturnValue:
        try:
            ask(purpose, str(form.mailbox.data or ""))
        except RateLimited as error:
            faults = {"mailbox": error.code}
            raise Invalid(fields=faults, seconds=error.context.get("seconds"), at=error.context.get("at")) from error
        return redirect(url_for(journey.code), 303)

    return act_page(form, journey.template, act, journey=journey)


def code(purpose: Purpose) -> ResponseReturnValue:
    journey, form = JOURNEYS[purpose], filled(CodeForm)

    def act() -> ResponseReturnValue:
        people.enter_code(EnterCode(browser(), purpose, str(form.code.data or "")), registry(), actor())
        drafts.renew_browser(session.get("account", ""))
        drafts.forget_typed()
        return redirect(session.pop(f"goal {journey.start}", url_for(journey.goal)), 303)

    mailbox = queries.asked_mailbox(browser(), purpose)
    return act_page(form, "public/code.html", act, look_again=True, journey=journey, mailbox=mailbox)


def resend(purpose: Purpose) -> ResponseReturnValue:
    mailbox = queries.asked_mailbox(browser(), purpose)
    if mailbox is None:
        return redirect(url_for(JOURNEYS[purpose].start), 303)
    try:
        ask(purpose, mailbox)
    except RateLimited as error:
        flash(sentence(error), "waiting")
    else:
        flash(_("A new code was sent. Only the newest one is good."), "good")
    return redirect(url_for(JOURNEYS[purpose].code), 303)


def ask(purpose: Purpose, mailbox: str) -> None:
    people.request_code(RequestCode(browser(), purpose, mailbox, language()), registry(), actor())
