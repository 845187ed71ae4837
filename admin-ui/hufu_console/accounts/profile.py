"""What an account says of its official: each field once, for the forms that ask it and the pages that show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from flask_wtf import FlaskForm

from hufu_console.web.fields import TextLine
from hufu_registry.accounts.model import Profile, longest_texts

LONGEST = longest_texts(Profile)


class Group(StrEnum):
    """Under which heading it stands, in this order."""

    PERSON = "person"
    PLACE = "place"
    CONTACT = "contact"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class ProfileField:
    """`name` is the registry's. `beside` is the field in whose line it is shown, as `said`; `none` stands where nothing
    is given. `anchor` is where the form asks it, `own` what a browser knows it by that fills in its owner's data.
    `faults` are the sentences for codes of rules that are about it alone.
    """

    name: str
    label: LazyString
    group: Group
    optional: bool = False
    width: str = "hf-w20"
    help: LazyString | None = None
    keyboard: str | None = None
    own: str = "off"
    attributes: Mapping[str, str] = field(default_factory=dict)
    anchor: str = ""
    beside: str = ""
    said: Callable[[str], str] = str
    none: LazyString | str = ""
    faults: Mapping[str, LazyString] = field(default_factory=dict)

    def widget(self, *, own: bool) -> TextLine:
        """For a form: the official's own, or one about others."""
        given = {"autocomplete": self.own if own else "off", "inputmode": self.keyboard}
        shown = {name: value for name, value in given.items() if value is not None}
        return TextLine(self.label, longest=LONGEST[self.name], render_kw=shown | dict(self.attributes))

    def shown(self, profile: Profile) -> str:
        """In words, with what stands beside it."""
        value = getattr(profile, self.name)
        parts = [str(value or self.none)]
        parts += [beside.said(text) for beside in self.companions if (text := getattr(profile, beside.name))]
        return " ".join(parts)

    @property
    def companions(self) -> list[ProfileField]:
        """Those that stand beside it."""
        return [field for field in PROFILE_FIELDS.values() if field.beside == self.name]


PROFILE_FIELDS: Mapping[str, ProfileField] = {
    field.name: field
    for field in (
        ProfileField(
            "name",
            _l("Name"),
            Group.PERSON,
            own="name",
            help=_l("As on your documents, family name first, in one field."),
        ),
        ProfileField("title", _l("Title"), Group.PERSON, own="organization-title"),
        ProfileField(
            "unit_name",
            _l("Unit"),
            Group.PLACE,
            optional=True,
            attributes={"list": "units"},
            anchor="words",
            none=_l("none given"),
        ),
        ProfileField(
            "phone",
            _l("Telephone"),
            Group.CONTACT,
            own="tel",
            keyboard="tel",
            faults={"phone_shape": _l("Please enter the telephone number with digits, as in 02-81234567.")},
        ),
        ProfileField(
            "extension",
            _l("Extension"),
            Group.CONTACT,
            optional=True,
            width="hf-w10",
            own="tel-extension",
            keyboard="numeric",
            beside="phone",
            said=lambda number: _("ext. %(number)s", number=number),
            faults={"extension_shape": _l("An extension has up to eight digits.")},
        ),
        ProfileField(
            "mobile",
            _l("Mobile"),
            Group.CONTACT,
            width="hf-w10",
            help=_l("Ten digits, as 0912345678."),
            own="tel",
            keyboard="tel",
            faults={"mobile_shape": _l("A mobile number has ten digits and starts with 09.")},
        ),
        ProfileField(
            "official_mail",
            _l("Official mailbox"),
            Group.MAIL,
            optional=True,
            keyboard="email",
            none=_l("none"),
        ),
    )
}


def profile_form(*groups: Group, own: bool = False) -> Any:
    """A form with the fields of these groups."""
    asked = {field.name: field.widget(own=own) for field in PROFILE_FIELDS.values() if field.group in groups}
    return type("ProfileFields", (FlaskForm,), asked)


def typed_in(form: FlaskForm) -> dict[str, Any]:
    """What the form's fields of a profile hold, as it was typed."""
    return {name: str(form[name].data or "") for name in PROFILE_FIELDS if name in form}


def kept_in(profile: Profile) -> dict[str, str]:
    """The profile's values as a form shows them."""
    return {name: str(getattr(profile, name) or "") for name in PROFILE_FIELDS}
