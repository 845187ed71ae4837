"""An applicant's own case, whatever its type, and his accounts that wait for their activation."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

import hufu_registry.accounts.use_cases as accounts
from hufu_console.public import queries
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, registry
from hufu_console.web.drafts import browser
from hufu_console.web.language import language
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.engine.model import CaseMove
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, CaseId
from hufu_registry.kernel.outbox import STATE_TARGETS
from hufu_registry.people.model import Purpose


def receipt(case_id: CaseId) -> str:
    own = queries.own_case(browser(), Purpose.APPLY, case_id)
    if own is None:
        raise NotFound("case")
    return render_template("public/receipt.html", own=own)


def own_case() -> str:
    """What its type says there is `public/<type>/own_case.html`, with the form that it declares."""
    own = queries.own_case(browser(), Purpose.FOLLOW)
    moves = own.case.moves() if own else frozenset()
    asked = own.followed.form if own else FlaskForm
    return render_template("public/own_case.html", own=own, moves=moves, Move=CaseMove, form=filled(asked))


def withdraw() -> ResponseReturnValue:
    own = queries.wanted_case(browser())
    if request.method == "GET" and CaseMove.WITHDRAW not in own.case.moves():
        return redirect(url_for("public.own_case"), 303)
    own.case.after(CaseMove.WITHDRAW)

    def act() -> ResponseReturnValue:
        cases.withdraw(cases.Withdraw(browser(), own.case.id), registry(), actor())
        return done(_("Your application was withdrawn."), url_for("public.own_case"))

    return act_page(filled(FlaskForm), "public/withdraw.html", act, look_again=True, own=own)


def own_accounts() -> str:
    return render_template("public/own_accounts.html", accounts=queries.accounts_of(browser()))


def resend_activation(account_id: AccountId) -> ResponseReturnValue:
    accounts.resend_own_activation(browser(), account_id, registry(), actor())
    said = _("A new activation mail is on its way. Please use the newest one.")
    return done(said, url_for("public.own_accounts"), targets=STATE_TARGETS)


def welcome() -> str:
    """Where the activation leads to."""
    return render_template("public/welcome.html")


def privacy() -> str:
    """As the viewer's agency has it; strangers read the usual text, and their agency's before they send a form."""
    notice = queries.consent_at(g.viewer.agency if g.viewer else None)
    return render_template("public/privacy.html", notice=notice.text(language()), version=notice.version)
