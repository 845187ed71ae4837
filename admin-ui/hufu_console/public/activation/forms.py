"""The form of 申請個人公務帳號. The rules are the registry's; the forms only read, clean and show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from hufu_console.accounts.profile import Group, kept_in, profile_form, typed_in
from hufu_console.cases.types.activation import application_form, as_texts, asked_in, filled_in
from hufu_console.web.fields import TextLine, hidden_id, hidden_version
from hufu_console.web.numbers import number_in
from hufu_registry.accounts.model import ACCOUNT_NAME, Profile
from hufu_registry.agencies.model import OID
from hufu_registry.cases.engine.model import Case
from hufu_registry.cases.types.activation import Application, application_of
from hufu_registry.kernel.ids import AgencyId


class NameForm(FlaskForm):
    account_name = TextLine(_l("Account name"), longest=ACCOUNT_NAME.longest, render_kw={"autocomplete": "off"})


PersonFields: Any = profile_form(Group.PERSON, own=True)


class PersonForm(PersonFields):
    # The agency's id is hidden; what is wrong with it stands where one types its OID.
    SHOWN_AT: ClassVar[Mapping[str, str]] = {"agency_id": "agency_oid"}

    account_name = TextLine(
        _l("Account name"), longest=ACCOUNT_NAME.longest, render_kw={"autocomplete": "off", "spellcheck": "false"}
    )
    agency_id = hidden_id()
    agency_oid = TextLine(_l("OID of your agency"), longest=OID.longest, render_kw={"autocomplete": "off"})


PlaceFields: Any = profile_form(Group.PLACE, Group.CONTACT, own=True)
ApplicationFields: Any = application_form()


class ApplicationForm(ApplicationFields, PlaceFields, PersonForm):
    """In parts, because a form has its fields in the order in which they are made: so they stand on the page."""

    version = hidden_version()

    def application(self) -> Application:
        """What was typed, cleaned; not checked."""
        number = number_in(self.agency_id)
        return Application(
            account_name=str(self.account_name.data or ""),
            agency_id=None if number is None else AgencyId(number),
            profile=Profile(**typed_in(self)),
            **asked_in(self),
        ).cleaned()

    def fields(self) -> dict[str, str]:
        """For a draft."""
        kept = {name: str(self[name].data or "") for name in OWN}
        return typed_in(self) | as_texts(asked_in(self)) | kept


# Those that neither the future account nor the application declares.
OWN = ("account_name", "agency_id", "agency_oid", "version")


def fields_of(case: Case, oid: str) -> dict[str, str]:
    """The stored application as the form's fields."""
    stored = application_of(case)
    fields = kept_in(stored.profile) | filled_in(stored)
    place = stored.profile.unit_id or case.agency_id
    fields |= {"account_name": stored.account_name, "agency_id": str(place), "agency_oid": oid}
    return fields | {"version": str(case.version)}
