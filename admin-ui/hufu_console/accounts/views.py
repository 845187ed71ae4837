"""帳號 and 我的帳號: where an account stands, step by step."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.accounts.use_cases as accounts
import hufu_registry.sync.use_cases as sync
from hufu_console.accounts import queries
from hufu_console.accounts.acts import page_of
from hufu_console.accounts.forms import CodeForm, ProfileForm, fields_of
from hufu_console.accounts.lists import PEOPLE, SIGN_INS
from hufu_console.sync.lists import STEPS
from hufu_console.web import lists
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, registry
from hufu_console.web.drafts import browser
from hufu_console.web.language import language
from hufu_console.web.sentences import sentence
from hufu_console.web.viewer import viewer
from hufu_registry.accounts.model import AccountMove
from hufu_registry.kernel.errors import RateLimited
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import STATE_TARGETS
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import EnterCode, RequestCode, enter_code, request_code
from hufu_registry.sync.model import AppliedStep

people = lists.page(PEOPLE)
search = lists.search(PEOPLE)


def account(account_id: AccountId) -> str:
    view = queries.view_of(viewer(), account_id)
    # What was done comes with it, while the list's first page is shown.
    log = None if request.args.get("page") else "1"
    again = url_for("accounts.progress", account_id=account_id, state=view.account.state, log=log)
    return render_template(
        "accounts/account.html", view=view, progress_url=again, Move=AccountMove, steps=done_for(account_id)
    )


def done_for(account_id: AccountId) -> lists.Listing[AppliedStep]:
    here = ("accounts.account", {"account_id": account_id})
    return lists.listing_of(STEPS, kind="account", object_id=account_id, at=here)


def progress(account_id: AccountId) -> ResponseReturnValue:
    """The steps, and what was done, for the page that looks again by itself."""
    view = queries.view_of(viewer(), account_id)
    return steps_of(view, log=done_for(account_id) if request.args.get("log") else None)


def steps_of(view: queries.AccountView, log: lists.Listing[AppliedStep] | None = None) -> ResponseReturnValue:
    """The steps; the whole page comes anew when the account's state is no longer the one it shows."""
    kept = None if log is None else "1"
    again = url_for(str(request.endpoint), **(request.view_args or {}), state=view.account.state, log=kept)
    page = make_response(render_template("accounts/_progress_again.html", view=view, progress_url=again, steps=log))
    if request.args.get("state", view.account.state) != view.account.state:
        page.headers["HX-Refresh"] = "true"
    return page


def edit(account_id: AccountId) -> ResponseReturnValue:
    """Mend what the account says of its official."""
    account, units = queries.editable(viewer(), account_id)
    form = filled(ProfileForm, **fields_of(account))

    def act() -> ResponseReturnValue:
        command = accounts.ChangeAccount(account.id, form.seen_version(), form.profile())
        accounts.change_account(command, registry(), actor())
        said = _("Saved. The directory and the sign-in server follow.")
        return done(said, page_of(account_id), targets=STATE_TARGETS)

    return act_page(form, "accounts/edit.html", act, look_again=True, account=account, units=units)


def resend(account_id: AccountId) -> ResponseReturnValue:
    queries.seen_account(viewer(), account_id)
    accounts.resend_activation(account_id, registry(), actor())
    said = _("A new activation mail is on its way. Please use the newest one.")
    return done(said, page_of(account_id), targets=STATE_TARGETS)


def sync_now(account_id: AccountId) -> ResponseReturnValue:
    queries.seen_account(viewer(), account_id)
    sync.converge_now(account_id, registry(), actor())
    return done(_("The account is compared and put right now."), page_of(account_id), targets=STATE_TARGETS)


def mine() -> str:
    """我的帳號: who the system thinks I am, and whether everything agrees."""
    return render_template(
        "accounts/mine.html", view=queries.view_of(viewer(), viewer().account_id), signed_in=lists.listing_of(SIGN_INS),
        progress_url=url_for("accounts.my_progress"),
    )  # fmt: skip


def prove_mail() -> ResponseReturnValue:
    """The code that was mailed to one's official mailbox."""
    account, form = viewer().account, CodeForm()
    if account.profile.official_mail is None or account.published_mail is not None:
        return redirect(url_for("accounts.mine"), 303)

    def act() -> ResponseReturnValue:
        enter_code(EnterCode(browser(), Purpose.OFFICIAL_MAIL, str(form.code.data or "")), registry(), actor())
        accounts.prove_official_mail(browser(), registry(), actor())
        said = _("Your official mailbox is verified. The systems follow within seconds.")
        return done(said, url_for("accounts.mine"), targets=STATE_TARGETS)

    return act_page(form, "accounts/prove_mail.html", act, account=account)


def send_mail_code() -> ResponseReturnValue:
    """To the official mailbox that one's own account names, and to no other."""
    mailbox = viewer().account.profile.official_mail
    if mailbox is None:
        return redirect(url_for("accounts.mine"), 303)
    try:
        request_code(RequestCode(browser(), Purpose.OFFICIAL_MAIL, mailbox, language()), registry(), actor())
    except RateLimited as error:
        flash(sentence(error), "waiting")
    else:
        flash(_("A code was sent to %(mailbox)s. Only the newest one is good.", mailbox=mailbox), "good")
    return redirect(url_for("accounts.prove_mail"), 303)


def my_progress() -> ResponseReturnValue:
    return steps_of(queries.view_of(viewer(), viewer().account_id))


def sync_mine() -> ResponseReturnValue:
    sync.converge_now(viewer().account_id, registry(), actor())
    said = _("Your account is compared and put right now.")
    return done(said, url_for("accounts.mine"), targets=STATE_TARGETS)
