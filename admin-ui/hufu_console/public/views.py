"""Applying for a personal official account, and following the application, by anybody with a mailbox."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import hufu_registry.accounts.use_cases as accounts
from hufu_console.public import queries
from hufu_console.public.forms import ApplicationForm, ConsentForm, NameForm, fields_of
from hufu_console.web import drafts
from hufu_console.web.context import actor, registry
from hufu_console.web.drafts import browser
from hufu_console.web.faults import show_faults
from hufu_console.web.language import language
from hufu_console.web.numbers import number_of, version_in
from hufu_console.web.sentences import sentence_of
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.consent import CURRENT
from hufu_registry.cases.engine.model import CaseMove
from hufu_registry.cases.types.activation import ACTIVATION, Application, application_of
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, CaseId
from hufu_registry.people.model import Purpose, plain


def read_form() -> ApplicationForm:
    """The form as it was sent or kept; an OID that was typed names the agency."""
    form = ApplicationForm(formdata=drafts.typed())
    oid = plain(str(form.agency_oid.data or ""))
    at = queries.chosen(form.application().agency_id)
    if oid and (at is None or oid != (at.unit or at.agency).oid):
        named = queries.agency_by_oid(oid)
        form.agency_id.data = "" if named is None else str(named.id)
    return form


def faults_of(form: ApplicationForm, mailbox: str, case_id: CaseId | None = None) -> dict[str, str]:
    """Every rule the form breaks; an OID that was typed and is nobody's is unknown, not missing."""
    faults = queries.faults_of(form.application(), mailbox, case_id)
    if faults.get("agency_id") == "agency_required" and str(form.agency_oid.data or "").strip():
        faults["agency_id"] = "agency_unknown"
    return faults


def form_page(form: ApplicationForm, *, action: str, title: str, button: str) -> ResponseReturnValue:
    at = queries.chosen(form.application().agency_id)
    page = render_template("public/form.html", form=form, chosen=at, action=action, title=title, button=button)
    return page, 422 if form.errors else 200


def form() -> ResponseReturnValue:
    """GET shows the form, POST judges it and goes on to the page that shows everything."""
    mailbox, typed = queries.proved(browser(), Purpose.APPLY), read_form()
    if queries.has_open_case(mailbox):
        return render_template("public/case_open.html"), 409
    if request.method == "GET" and (key := drafts.remembered()):
        return redirect(url_for("public.form", draft=key), 303)
    if request.method == "POST":
        faults = faults_of(typed, mailbox)
        draft = drafts.keep(url_for("public.form"), typed.fields())
        drafts.remember(draft)
        if not faults:
            return redirect(url_for("public.review", draft=draft), 303)
        show_faults(typed, faults)
    title = _("Apply for a personal official account")
    return form_page(typed, action=url_for("public.form"), title=title, button=_("Go on: check what I entered"))


def check(field: str) -> str:
    """For the field that was just left: what is wrong with it, or nothing."""
    typed = read_form()
    fault = faults_of(typed, "", own_case_id()).get({"agency_oid": "agency_id"}.get(field, field))
    return render_template("public/_fault.html", fault=sentence_of(fault) if fault else "")


def own_case_id() -> CaseId | None:
    """The case whose name the applicant holds himself, where he is changing one."""
    try:
        own = queries.own_case(browser(), Purpose.FOLLOW)
    except NotFound:
        return None
    return own.case.id if own else None


def agency_search() -> str:
    words = request.args.get("words", "")
    return render_template("public/_found.html", found=queries.found(words), words=words)


def agency_choose() -> str:
    """The agency part of the form, with the agency that was picked, or the one whose OID was typed."""
    typed = read_form()
    picked = request.form.get("pick", "")
    if number_of(picked) is not None:
        typed.agency_id.data = picked
    at = queries.chosen(typed.application().agency_id)
    if at is not None:
        typed.agency_oid.data = (at.unit or at.agency).oid or ""
    elif typed.agency_oid.data:
        show_faults(typed, {"agency_id": "agency_unknown"})
    return render_template("public/_agency.html", form=typed, chosen=at, fresh=bool(picked))


def kept_application() -> Application:
    fields = drafts.kept()
    if fields is None:
        raise NotFound("draft")
    form = read_kept(fields)
    return queries.with_unit(form.application())


def read_kept(fields: object) -> ApplicationForm:
    return ApplicationForm(formdata=None, data=fields)


def review() -> ResponseReturnValue:
    """Everything once more, the consent, and the one button that sends it."""
    queries.proved(browser(), Purpose.APPLY)
    return review_page(ConsentForm(formdata=None), kept_application())


def review_page(form: ConsentForm, application: Application) -> ResponseReturnValue:
    form.draft.data = str(drafts.draft_key())
    page = render_template(
        "public/review.html",
        form=form,
        application=application,
        chosen=queries.chosen(application.agency_id),
        mailbox=queries.proved(browser(), Purpose.APPLY),
        terms=CURRENT.text(language()),
        version=CURRENT.version,
    )
    return page, 422 if form.errors else 200


def send() -> ResponseReturnValue:
    """Send it; however often the button is pressed, it is one case."""
    form, application, key = ConsentForm(), kept_application(), drafts.draft_key()
    if not (form.consent.data and form.confirmed.data):
        ticked = {"consent": form.consent.data, "confirmed": form.confirmed.data}
        show_faults(form, {name: f"{name}_required" for name, tick in ticked.items() if not tick})
        return review_page(form, application)
    command = cases.FileCase(browser(), ACTIVATION.name, application, CURRENT.version, str(key), language())
    try:
        case_id = cases.file_case(command, registry(), actor())
    except Invalid as error:
        typed = read_kept(drafts.kept())
        show_faults(typed, error.fields, error.context)
        title = _("Apply for a personal official account")
        return form_page(typed, action=url_for("public.form"), title=title, button=_("Go on: check what I entered"))
    drafts.forget_typed()
    return redirect(url_for("public.receipt", case_id=case_id), 303)


def receipt(case_id: CaseId) -> str:
    own = queries.own_case(browser(), Purpose.APPLY, case_id)
    if own is None:
        raise NotFound("case")
    return render_template("public/receipt.html", own=own)


def own_case() -> str:
    own = queries.own_case(browser(), Purpose.FOLLOW)
    moves = own.case.moves() if own else frozenset()
    return render_template("public/own_case.html", own=own, moves=moves, Move=CaseMove, form=NameForm(formdata=None))


def wanted_case() -> queries.OwnCase:
    own = queries.own_case(browser(), Purpose.FOLLOW)
    if own is None:
        raise NotFound("case")
    return own


def change() -> ResponseReturnValue:
    """The applicant changes his application until it is decided."""
    own = wanted_case()
    own.case.after(CaseMove.CHANGE)
    if request.method == "GET" and drafts.draft_key() is None:
        at = queries.chosen(application_of(own.case).profile.unit_id or own.case.agency_id)
        typed = read_kept(fields_of(own.case, ((at.unit or at.agency).oid or "") if at else ""))
    else:
        typed = read_form()
    if request.method == "POST":
        version = version_in(typed.version)
        command = cases.ChangeCase(browser(), own.case.id, version, queries.with_unit(typed.application()))
        try:
            cases.change_case(command, registry(), actor())
        except Invalid as error:
            show_faults(typed, error.fields, error.context)
        else:
            flash(_("Your application was changed."), "good")
            return redirect(url_for("public.own_case"), 303)
    title = _("Change my application")
    return form_page(typed, action=url_for("public.change"), title=title, button=_("Save the changes"))


def withdraw() -> ResponseReturnValue:
    own = wanted_case()
    own.case.after(CaseMove.WITHDRAW)
    if request.method == "GET":
        return render_template("public/withdraw.html", own=own)
    cases.withdraw(cases.Withdraw(browser(), own.case.id), registry(), actor())
    flash(_("Your application was withdrawn."), "good")
    return redirect(url_for("public.own_case"), 303)


def choose_name() -> ResponseReturnValue:
    own, form = wanted_case(), NameForm()
    try:
        cases.choose_name(
            cases.ChooseName(browser(), own.case.id, str(form.account_name.data or "")), registry(), actor()
        )
    except Invalid as error:
        show_faults(form, error.fields, error.context)
        page = render_template("public/own_case.html", own=own, moves=own.case.moves(), Move=CaseMove, form=form)
        return page, 422
    flash(_("Your account goes on under the new name."), "good")
    return redirect(url_for("public.own_case"), 303)


def own_accounts() -> str:
    return render_template("public/own_accounts.html", accounts=queries.accounts_of(browser()))


def resend_activation(account_id: AccountId) -> ResponseReturnValue:
    accounts.resend_own_activation(browser(), account_id, registry(), actor())
    flash(_("A new activation mail is on its way. Please use the newest one."), "good")
    return redirect(url_for("public.own_accounts"), 303)


def welcome() -> str:
    """Where the activation leads to."""
    return render_template("public/welcome.html")


def terms() -> str:
    return render_template("public/terms.html", terms=CURRENT.text(language()), version=CURRENT.version)
