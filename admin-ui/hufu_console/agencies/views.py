"""機關: the tree, one agency, and what may be changed about it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

import hufu_registry.agencies.use_cases as agencies
from hufu_console.agencies import queries
from hufu_console.agencies.forms import (
    CloseForm,
    DomainsForm,
    ManagerForm,
    MergeForm,
    MoveForm,
    OfficialDomainsForm,
    PrivacyNoticeForm,
    RenameForm,
    RenameUnitForm,
    ReopenForm,
    ShortNamesForm,
    UnitForm,
)
from hufu_console.agencies.lists import BELOW, FOUND, OF_AGENCY, TREE
from hufu_console.guard.submitting import submitted
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, now, registry
from hufu_console.web.faults import show_faults
from hufu_console.web.lists import Asked, Listing, ListPage, asked_now, listing_of, page
from hufu_console.web.numbers import number_in, version_in
from hufu_console.web.viewer import viewer
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.agencies.model import Agency, AgencyKind
from hufu_registry.agencies.permissions import EDIT_AGENCIES, EDIT_UNITS
from hufu_registry.guard.use_cases import MergeAgency, MoveAgency, RenameAgency
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.permissions import Permission
from hufu_registry.policy.permissions import CHANGE_SETTINGS
from hufu_registry.policy.use_cases import ChangeSetting, change_setting
from hufu_registry.rights.permissions import APPOINT_MANAGERS
from hufu_registry.rights.use_cases import appoint_manager, dismiss_manager

NEAREST = Page(1, 20)
OFFICIAL_DOMAINS = "official_mail_domains"
PRIVACY_NOTICE = "privacy_notice"
# What may be picked under which name, and where: anywhere, or only where one sees accounts.
PICKED_AS = {"agency_id": None, "parent_id": None, OF_AGENCY.name: SEE_ACCOUNTS}


def tree() -> str:
    """The top of the tree, or what a search found."""
    of: ListPage[Any] = FOUND if asked_now(TREE, {}).words else TREE
    return page(of)()


def found() -> str:
    """The nearest agencies, as one types."""
    words = request.args.get("words", "").strip()
    listing = Listing(FOUND, Asked(words=words), queries.found(words, NEAREST))
    return render_template("agencies/_found.html", listing=listing)


def agency(agency_id: AgencyId) -> str:
    view = queries.view_of(viewer(), agency_id)
    return render_template(
        "agencies/agency.html", view=view, agency=view.agency, below=listing_of(BELOW, agency_id=agency_id)
    )


def page_of(place: Agency) -> str:
    return url_for("agencies.agency", agency_id=place.id)


def place_of(agency_id: AgencyId, permission: Permission | None = None) -> Agency:
    """The agency; the right it takes is asked before anything is shown, and by the use case again."""
    place = queries.agency(agency_id)
    viewer().rights.require(permission or agencies.permission_to_change(place), place)
    return place


def filled_for(place: Agency, kind: type[FlaskForm], **values: object) -> Any:
    """The form as sent, as kept, or with the agency's version and today."""
    today = taipei_date(now())
    return filled(kind, **({"version": place.version, "since": today, "on": today} | values))


def add_unit(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id, EDIT_UNITS)
    form = filled_for(place, UnitForm)

    def act() -> ResponseReturnValue:
        command = agencies.AddUnit(place.id, str(form.name.data or ""), str(form.oid.data or ""))
        unit = agencies.add_unit(command, registry(), actor())
        return done(_("The unit %(name)s was added.", name=unit.name), page_of(place))

    return act_page(form, "agencies/add_unit.html", act, agency=place)


def rename(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id)
    kind = RenameUnitForm if place.kind is AgencyKind.UNIT else RenameForm
    form = filled_for(place, kind, name=place.name)

    def act() -> ResponseReturnValue:
        command = RenameAgency(place.id, version_in(form.version), str(form.name.data or ""), form.since.day)
        return submitted(command, _("Rename %(name)s", name=place.name), said, page_of(place))

    def said(renamed: Agency) -> object:
        return _("It is now called %(name)s.", name=renamed.name)

    return act_page(form, "agencies/rename.html", act, agency=place)


def move(agency_id: AgencyId) -> ResponseReturnValue:
    """Where to; what it means is on the next page."""
    place = place_of(agency_id)
    form = MoveForm(formdata=request.args or None, data={"since": taipei_date(now())})
    return render_template("agencies/move.html", agency=place, form=form)


def move_review(agency_id: AgencyId) -> ResponseReturnValue:
    """GET names what the move means, POST does it."""
    place = place_of(agency_id)
    form = MoveForm(formdata=request.values, data={} if request.method == "POST" else {"version": place.version})
    parent_id, since = number_in(form.parent_id), form.since.day
    if not form.since.validate(form) or parent_id is None or since is None:
        show_faults(form, {"parent_id": "agency_required"} if parent_id is None else {})
        return render_template("agencies/move.html", agency=place, form=form), 422

    def act() -> ResponseReturnValue:
        command = MoveAgency(place.id, version_in(form.version), AgencyId(parent_id), since)
        return submitted(command, _("Move %(name)s", name=place.name), said, page_of(place))

    def said(moved: Agency) -> object:
        return _("It now stands here: %(path)s", path=moved.full_name)

    if request.method == "GET":
        form.version.data = form.version.data or str(place.version)
    return act_page(
        form, "agencies/move_review.html", act, agency=place, forecast=queries.forecast(place, AgencyId(parent_id))
    )


def pick() -> str:
    """Agencies to choose one from, as one types; `field` is what the choice is called in its form."""
    words, field = request.args.get("words", ""), request.args.get("field", "")
    field = field if field in PICKED_AS else "agency_id"
    nearest = queries.found(words, NEAREST, within=PICKED_AS[field])
    return render_template("agencies/_pick.html", found=nearest, words=words, field=field)


def merge(agency_id: AgencyId) -> ResponseReturnValue:
    """Into a successor, which takes over its people and parts."""
    place = place_of(agency_id, EDIT_AGENCIES)
    form = filled_for(place, MergeForm)

    def act() -> ResponseReturnValue:
        successor_id = number_in(form.agency_id)
        if successor_id is None:
            raise Invalid(fields={"agency_id": "agency_required"})
        command = MergeAgency(place.id, version_in(form.version), AgencyId(successor_id), form.on.day)
        return submitted(command, _("Merge %(name)s", name=place.name), said, page_of(place))

    def said(successor: Agency) -> object:
        return _("%(name)s went up in %(successor)s.", name=place.name, successor=successor.name)

    return act_page(form, "agencies/merge.html", act, agency=place)


def close(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id)
    form = filled_for(place, CloseForm)

    def act() -> ResponseReturnValue:
        agencies.close(agencies.Close(place.id, version_in(form.version), form.on.day), registry(), actor())
        return done(_("%(name)s was closed.", name=place.name), page_of(place))

    return act_page(form, "agencies/close.html", act, agency=place)


def reopen(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id)
    form = filled_for(place, ReopenForm)

    def act() -> ResponseReturnValue:
        agencies.reopen(agencies.Reopen(place.id, version_in(form.version)), registry(), actor())
        return done(_("%(name)s is open again.", name=place.name), page_of(place))

    return act_page(form, "agencies/reopen.html", act, agency=place)


def mail_domains(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id, EDIT_AGENCIES)
    form = filled_for(place, DomainsForm, domains="\n".join(place.mail_domains))

    def act() -> ResponseReturnValue:
        domains = tuple(str(form.domains.data or "").split())
        command = agencies.SetMailDomains(place.id, version_in(form.version), domains)
        agencies.set_mail_domains(command, registry(), actor())
        return done(_("The mail domains were saved."), page_of(place))

    return act_page(form, "agencies/mail_domains.html", act, agency=place)


def short_names(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id, EDIT_AGENCIES)
    form = filled_for(place, ShortNamesForm, names="\n".join(place.short_names))

    def act() -> ResponseReturnValue:
        names = tuple(str(form.names.data or "").splitlines())
        command = agencies.SetShortNames(place.id, version_in(form.version), names)
        agencies.set_short_names(command, registry(), actor())
        return done(_("The short names were saved."), page_of(place))

    return act_page(form, "agencies/short_names.html", act, agency=place)


def official_domains(agency_id: AgencyId) -> ResponseReturnValue:
    """Where its official mailboxes lie; with none its own, those of the nearest agency above that has some count."""
    place = place_of(agency_id, CHANGE_SETTINGS)
    own = queries.own_setting(OFFICIAL_DOMAINS, place)
    form = filled(OfficialDomainsForm, domains="\n".join(own.split()))

    def act() -> ResponseReturnValue:
        domains = " ".join(str(form.domains.data or "").split())
        change_setting(ChangeSetting(OFFICIAL_DOMAINS, domains or None, place.id), registry(), actor())
        return done(_("The mail domains were saved."), page_of(place))

    return act_page(form, "agencies/official_domains.html", act, agency=place)


def privacy_notice(agency_id: AgencyId) -> ResponseReturnValue:
    """What its applicants are told of their data, where that is not the usual text."""
    place = place_of(agency_id, CHANGE_SETTINGS)
    form = filled(PrivacyNoticeForm, text=queries.own_setting(PRIVACY_NOTICE, place))

    def act() -> ResponseReturnValue:
        text = str(form.text.data or "")
        change_setting(ChangeSetting(PRIVACY_NOTICE, text or None, place.id), registry(), actor())
        return done(_("The privacy notice was saved."), page_of(place))

    return act_page(form, "agencies/privacy_notice.html", act, agency=place)


def appoint(agency_id: AgencyId) -> ResponseReturnValue:
    place = place_of(agency_id, APPOINT_MANAGERS)
    form = filled_for(place, ManagerForm)

    def act() -> ResponseReturnValue:
        wide = bool(form.with_subordinates.data)
        was_it_before = appoint_manager(account_in(form), place.id, registry(), actor(), with_subordinates=wide)
        said = _("The manager's scope was changed.") if was_it_before else _("The manager was appointed.")
        return done(said, page_of(place))

    return act_page(
        form,
        "agencies/appoint.html",
        act,
        agency=place,
        words="",
        people=queries.candidates(viewer(), place, ""),
        managing=queries.managing(place),
    )


def dismiss(agency_id: AgencyId, manager_id: AccountId) -> ResponseReturnValue:
    """免除管理者: the right ends, the account stays."""
    place = place_of(agency_id, APPOINT_MANAGERS)
    form = filled(FlaskForm)

    def act() -> ResponseReturnValue:
        dismiss_manager(manager_id, place.id, registry(), actor())
        return done(_("The manager was dismissed."), page_of(place))

    return act_page(form, "agencies/dismiss.html", act, agency=place, manager=queries.manager(place, manager_id))


def account_in(form: ManagerForm) -> AccountId:
    """Raises Invalid on the field "account_id" where nobody was picked."""
    try:
        return AccountId(UUID(str(form.account_id.data or "")))
    except ValueError as error:
        raise Invalid(fields={"account_id": "account_required"}) from error


def candidates(agency_id: AgencyId) -> str:
    """Who can become manager there, as one types; posted, for it is about people."""
    place = place_of(agency_id, APPOINT_MANAGERS)
    words = request.form.get("words", "").strip()[:200]
    return render_template(
        "agencies/_people.html", words=words,
        people=queries.candidates(viewer(), place, words), managing=queries.managing(place),
    )  # fmt: skip
