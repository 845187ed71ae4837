"""申請個人公務帳號 by anybody with a mailbox: the form, a look over it, sending it, and changing what was sent."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hufu_console.public.activation import queries
from hufu_console.public.activation.forms import ApplicationForm, NameForm, fields_of
from hufu_console.public.forms import ConsentForm
from hufu_console.public.queries import (
    consent_at,
    has_open_case,
    own_case,
    proved,
    proved_for_either,
    sent_case,
    wanted_case,
)
from hufu_console.web import drafts
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, registry
from hufu_console.web.drafts import browser
from hufu_console.web.faults import show_faults
from hufu_console.web.language import language
from hufu_console.web.numbers import number_of, version_in
from hufu_console.web.sentences import sentence_of
from hufu_registry.agencies.model import OID
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.engine.model import CaseMove
from hufu_registry.cases.types.activation import ACTIVATION, Application, application_of
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.ids import CaseId
from hufu_registry.kernel.outbox import STATE_TARGETS
from hufu_registry.people.model import Purpose

FORM = "public/activation/form.html"


def read_form() -> ApplicationForm:
    """The form as it was sent or kept; an OID that was typed names the agency."""
    form = ApplicationForm(formdata=drafts.typed())
    oid = OID.clean(str(form.agency_oid.data or ""))
    chosen = queries.chosen(form.application().agency_id)
    if oid and (chosen is None or oid != (chosen.unit or chosen.agency).oid):
        named = queries.agency_by_oid(oid)
        form.agency_id.data = "" if named is None else str(named.id)
    return form


def faults_of(form: ApplicationForm, mailbox: str, case_id: CaseId | None = None) -> dict[str, str]:
    """Every rule the form breaks; an OID that was typed and is nobody's is unknown, not missing."""
    faults = queries.faults_of(form.application(), mailbox, case_id)
    if faults.get("agency_id") == "agency_required" and str(form.agency_oid.data or "").strip():
        faults["agency_id"] = "agency_unknown"
    return faults


def shown_with(typed: ApplicationForm) -> dict[str, Any]:
    """What the form's page needs beside it."""
    return {"chosen": queries.chosen(typed.application().agency_id)}


def to_apply() -> dict[str, Any]:
    return {
        "action": url_for("public.form"),
        "title": _("Apply for a personal official account"),
        "button": _("Go on: check what I entered"),
    }


def form() -> ResponseReturnValue:
    """GET shows the form, POST judges it and goes on to the page that shows everything."""
    mailbox, typed = proved(browser(), Purpose.APPLY), read_form()
    if has_open_case(mailbox):
        return render_template("public/case_open.html"), 409
    if request.method == "GET" and (key := drafts.remembered()):
        return redirect(url_for("public.form", draft=key), 303)

    def act() -> ResponseReturnValue:
        faults = faults_of(typed, mailbox)
        draft = drafts.keep(url_for("public.form"), typed.fields())
        drafts.remember(draft)
        if faults:
            drafts.answer_at(url_for("public.form", draft=draft))
            raise Invalid(fields=faults)
        return redirect(url_for("public.review", draft=draft), 303)

    return act_page(typed, FORM, act, **shown_with(typed), **to_apply())


def check(field: str) -> str:
    """For the field that was just left: what is wrong with it, or nothing.

    Which names are taken, only whoever proved a mailbox may know.
    """
    proved_for_either(browser())
    typed = read_form()
    fault = faults_of(typed, "", own_case_id()).get({"agency_oid": "agency_id"}.get(field, field))
    return render_template("public/_fault.html", fault=sentence_of(fault) if fault else "")


def own_case_id() -> CaseId | None:
    """The case whose name the applicant holds himself, where he is changing one."""
    try:
        own = own_case(browser(), Purpose.FOLLOW)
    except NotFound:
        return None
    return own.case.id if own else None


def agency_search() -> str:
    words = request.args.get("words", "")
    return render_template("public/activation/_found.html", found=queries.found(words), words=words)


def agency_choose() -> str:
    """The agency part of the form, with the agency that was picked, or the one whose OID was typed."""
    typed = read_form()
    picked = request.form.get("pick", "")
    if number_of(picked) is not None:
        typed.agency_id.data = picked
    chosen = queries.chosen(typed.application().agency_id)
    if chosen is not None:
        typed.agency_oid.data = (chosen.unit or chosen.agency).oid or ""
    elif typed.agency_oid.data:
        show_faults(typed, {"agency_id": "agency_unknown"})
    return render_template("public/activation/_agency.html", form=typed, chosen=chosen, fresh=bool(picked))


def kept_application() -> Application:
    fields = drafts.kept()
    if fields is None:
        raise NotFound("draft")
    return read_kept(fields).application()


def read_kept(fields: object) -> ApplicationForm:
    return ApplicationForm(formdata=None, data=fields)


def review() -> ResponseReturnValue:
    """Everything once more, the consent, and the one button that sends it.

    However often it is pressed, it is one case.
    """
    mailbox, application, key = proved(browser(), Purpose.APPLY), kept_application(), drafts.draft_key()
    if request.method == "GET" and (sent := sent_case(browser(), str(key))):
        return redirect(url_for("public.receipt", case_id=sent), 303)
    chosen = queries.chosen(application.agency_id)
    form, terms = ConsentForm(), consent_at(chosen.agency if chosen else None)
    form.draft.data, form.consent.render_kw = str(key), {"value": terms.version}

    def act() -> ResponseReturnValue:
        agreed = "".join(form.consent.raw_data or ())
        command = cases.FileCase(browser(), ACTIVATION.name, application, agreed, str(key), language())
        try:
            case_id = cases.file_case(command, registry(), actor())
        except Invalid as error:
            if "consent" in error.fields:
                form.consent.data = False
                raise
            typed = read_kept(drafts.kept())
            show_faults(typed, error.fields, error.context)
            drafts.answer_at(url_for("public.form", draft=key))
            return render_template(FORM, form=typed, **shown_with(typed), **to_apply()), 422
        drafts.forget_typed()
        return redirect(url_for("public.receipt", case_id=case_id), 303)

    return act_page(
        form, "public/activation/review.html", act, look_again=True,
        application=application, chosen=chosen, mailbox=mailbox,
        terms=terms.text(language()), version=terms.version,
    )  # fmt: skip


def change() -> ResponseReturnValue:
    """The applicant changes his application until it is decided."""
    own = wanted_case(browser())
    if request.method == "GET" and CaseMove.CHANGE not in own.case.moves():
        return redirect(url_for("public.own_case"), 303)
    own.case.after(CaseMove.CHANGE)
    if request.method == "GET" and drafts.kept() is None:
        chosen = queries.chosen(application_of(own.case).profile.unit_id or own.case.agency_id)
        typed = read_kept(fields_of(own.case, ((chosen.unit or chosen.agency).oid or "") if chosen else ""))
    else:
        typed = read_form()

    def act() -> ResponseReturnValue:
        command = cases.ChangeCase(browser(), own.case.id, version_in(typed.version), typed.application())
        cases.change_case(command, registry(), actor())
        return done(_("Your application was changed."), url_for("public.own_case"))

    return act_page(
        typed, FORM, act, look_again=True, **shown_with(typed),
        action=url_for("public.change"), title=_("Change my application"), button=_("Save the changes"),
    )  # fmt: skip


def choose_name() -> ResponseReturnValue:
    """Another account name, after the first turned out to be somebody else's."""
    own, form = wanted_case(browser()), filled(NameForm)

    def act() -> ResponseReturnValue:
        command = cases.ChooseName(browser(), own.case.id, str(form.account_name.data or ""))
        cases.choose_name(command, registry(), actor())
        return done(_("Your account goes on under the new name."), url_for("public.own_case"), targets=STATE_TARGETS)

    return act_page(form, "public/own_case.html", act, look_again=True, own=own, moves=own.case.moves(), Move=CaseMove)
