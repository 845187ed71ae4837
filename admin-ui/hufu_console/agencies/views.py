"""機關: the tree, one agency, and what may be changed about it."""

from __future__ import annotations

from collections.abc import Callable
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
    RenameForm,
    ReopenForm,
    UnitForm,
)
from hufu_console.agencies.lists import BELOW, FOUND, TREE
from hufu_console.web import drafts
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, now, registry
from hufu_console.web.faults import show_faults
from hufu_console.web.lists import Asked, Listing, ListPage, listing_of, page
from hufu_console.web.numbers import number_in
from hufu_console.web.submitting import submitted
from hufu_console.web.viewer import viewer
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.permissions import EDIT_AGENCIES, EDIT_UNITS
from hufu_registry.guard.use_cases import MergeAgency, MoveAgency, RenameAgency
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.permissions import Permission
from hufu_registry.rights.permissions import APPOINT_MANAGERS
from hufu_registry.rights.use_cases import appoint_manager

NEAREST = Page(1, 20)
PICKED_AS = ("agency_id", "parent_id")


def tree() -> str:
    """The top of the tree, or what a search found."""
    of: ListPage[Any] = FOUND if (drafts.kept() or {}).get("words") else TREE
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


def changed(
    at: Agency, form: FlaskForm, template: str, act: Callable[[], ResponseReturnValue], **shown: Any
) -> ResponseReturnValue:
    """The page of a change of an agency."""
    return act_page(form, f"agencies/{template}.html", act, agency=at, **shown)


def page_of(at: Agency) -> str:
    return url_for("agencies.agency", agency_id=at.id)


def place(agency_id: AgencyId, permission: Permission | None = None) -> Agency:
    """The agency; the right it takes is asked before anything is shown, and by the use case again."""
    at = queries.agency(agency_id)
    viewer().rights.require(permission or agencies.permission_to_change(at), at)
    return at


def filled_for(at: Agency, kind: type[FlaskForm], **values: object) -> Any:
    """The form as sent, as kept, or with the agency's version and today."""
    today = taipei_date(now())
    return filled(kind, **({"version": at.version, "since": today, "on": today} | values))


def add_unit(agency_id: AgencyId) -> ResponseReturnValue:
    at = place(agency_id, EDIT_UNITS)
    form = filled_for(at, UnitForm)

    def act() -> ResponseReturnValue:
        command = agencies.AddUnit(at.id, str(form.name.data or ""), str(form.oid.data or ""))
        unit = agencies.add_unit(command, registry(), actor())
        return done(_("The unit %(name)s was added.", name=unit.name), page_of(at))

    return changed(at, form, "add_unit", act)


def rename(agency_id: AgencyId) -> ResponseReturnValue:
    at = place(agency_id)
    form = filled_for(at, RenameForm, name=at.name)

    def act() -> ResponseReturnValue:
        command = RenameAgency(at.id, number_in(form.version) or 0, str(form.name.data or ""), form.since.day)
        return submitted(command, _("Rename %(name)s", name=at.name), said, page_of(at))

    def said(renamed: Agency) -> object:
        return _("It is now called %(name)s.", name=renamed.name)

    return changed(at, form, "rename", act)


def move(agency_id: AgencyId) -> ResponseReturnValue:
    """Where to; what it means is on the next page."""
    at = place(agency_id)
    form = MoveForm(formdata=request.args or None, data={"since": taipei_date(now())})
    return render_template("agencies/move.html", agency=at, form=form)


def move_review(agency_id: AgencyId) -> ResponseReturnValue:
    """GET names what the move means, POST does it."""
    at = place(agency_id)
    form = MoveForm(formdata=request.values, data={"version": at.version})
    parent_id, since = number_in(form.parent_id), form.since.day
    if not form.since.validate(form) or parent_id is None or since is None:
        show_faults(form, {"parent_id": "agency_required"} if parent_id is None else {})
        return render_template("agencies/move.html", agency=at, form=form), 422

    def act() -> ResponseReturnValue:
        command = MoveAgency(at.id, number_in(form.version) or 0, AgencyId(parent_id), since)
        return submitted(command, _("Move %(name)s", name=at.name), said, page_of(at))

    def said(moved: Agency) -> object:
        return _("It now stands here: %(path)s", path=moved.full_name)

    form.version.data = form.version.data or str(at.version)
    return changed(at, form, "move_review", act, forecast=queries.forecast(at, AgencyId(parent_id)))


def pick() -> str:
    """Agencies to choose one from, as one types; `field` is what the choice is called in its form."""
    words, field = request.args.get("words", ""), request.args.get("field", "")
    field = field if field in PICKED_AS else PICKED_AS[0]
    return render_template("agencies/_pick.html", found=queries.found(words, NEAREST), words=words, field=field)


def merge(agency_id: AgencyId) -> ResponseReturnValue:
    """Into a successor, which takes over its people and parts."""
    at = place(agency_id, EDIT_AGENCIES)
    form = filled_for(at, MergeForm)

    def act() -> ResponseReturnValue:
        successor_id = number_in(form.agency_id)
        if successor_id is None:
            raise Invalid(fields={"agency_id": "agency_required"})
        command = MergeAgency(at.id, number_in(form.version) or 0, AgencyId(successor_id), form.on.day)
        return submitted(command, _("Merge %(name)s", name=at.name), said, page_of(at))

    def said(successor: Agency) -> object:
        return _("%(name)s went up in %(successor)s.", name=at.name, successor=successor.name)

    return changed(at, form, "merge", act)


def close(agency_id: AgencyId) -> ResponseReturnValue:
    at = place(agency_id)
    form = filled_for(at, CloseForm)

    def act() -> ResponseReturnValue:
        agencies.close(agencies.Close(at.id, number_in(form.version) or 0, form.on.day), registry(), actor())
        return done(_("%(name)s was closed.", name=at.name), page_of(at))

    return changed(at, form, "close", act)


def reopen(agency_id: AgencyId) -> ResponseReturnValue:
    at = place(agency_id)
    form = filled_for(at, ReopenForm)

    def act() -> ResponseReturnValue:
        agencies.reopen(agencies.Reopen(at.id, number_in(form.version) or 0), registry(), actor())
        return done(_("%(name)s is open again.", name=at.name), page_of(at))

    return changed(at, form, "reopen", act)


def mail_domains(agency_id: AgencyId) -> ResponseReturnValue:
    at = place(agency_id, EDIT_AGENCIES)
    form = filled_for(at, DomainsForm, domains="\n".join(at.mail_domains))

    def act() -> ResponseReturnValue:
        domains = tuple(str(form.domains.data or "").split())
        command = agencies.SetMailDomains(at.id, number_in(form.version) or 0, domains)
        agencies.set_mail_domains(command, registry(), actor())
        return done(_("The mail domains were saved."), page_of(at))

    return changed(at, form, "mail_domains", act)


def appoint(agency_id: AgencyId) -> ResponseReturnValue:
    at = place(agency_id, APPOINT_MANAGERS)
    form = filled_for(at, ManagerForm)

    def act() -> ResponseReturnValue:
        wide = bool(form.with_subordinates.data)
        appoint_manager(account_in(form), at.id, registry(), actor(), with_subordinates=wide)
        return done(_("The manager was appointed."), page_of(at))

    return changed(at, form, "appoint", act, people=queries.candidates(viewer(), at, ""), words="")


def account_in(form: ManagerForm) -> AccountId:
    """Raises Invalid on the field "account_id" where nobody was picked."""
    try:
        return AccountId(UUID(str(form.account_id.data or "")))
    except ValueError as error:
        raise Invalid(fields={"account_id": "account_required"}) from error


def candidates(agency_id: AgencyId) -> str:
    """Who can become manager there, as one types; posted, for it is about people."""
    at = place(agency_id, APPOINT_MANAGERS)
    words = request.form.get("words", "").strip()[:200]
    return render_template("agencies/_people.html", people=queries.candidates(viewer(), at, words), words=words)
