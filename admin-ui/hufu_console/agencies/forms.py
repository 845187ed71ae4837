"""What is filled in to change an agency or a unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField

from hufu_console.web.fields import TextLine, TextLines, hidden_id, hidden_uuid, hidden_version
from hufu_console.web.roc_field import DayField
from hufu_registry.agencies.model import LONGEST_TEXT, NAME, OID, UNIT_NAME

LONGEST_LIST = 10_000


class UnitForm(FlaskForm):
    name = TextLine(_l("Name of the unit"), longest=UNIT_NAME.longest, render_kw={"autocomplete": "off"})
    oid = TextLine(_l("OID (if it has one)"), longest=OID.longest, render_kw={"autocomplete": "off"})


class RenameForm(FlaskForm):
    version = hidden_version()
    name = TextLine(_l("New name"), longest=NAME.longest, missing="required", render_kw={"autocomplete": "off"})
    since = DayField(_l("From which day"))


class RenameUnitForm(RenameForm):
    name = TextLine(_l("New name"), longest=UNIT_NAME.longest, render_kw={"autocomplete": "off"})


class MoveForm(FlaskForm):
    version = hidden_version()
    parent_id = hidden_id(_l("Under which agency"))
    since = DayField(_l("From which day"))


class MergeForm(FlaskForm):
    version = hidden_version()
    agency_id = hidden_id(_l("Into which agency"), missing="agency_required")
    on = DayField(_l("First day on which it no longer exists"))


class CloseForm(FlaskForm):
    version = hidden_version()
    on = DayField(_l("First day on which it no longer exists"))


class ReopenForm(FlaskForm):
    version = hidden_version()


class DomainsForm(FlaskForm):
    version = hidden_version()
    domains = TextLines(
        _l("Mail domains, one a line"), longest=LONGEST_LIST, render_kw={"rows": 5, "spellcheck": "false"}
    )


class ShortNamesForm(FlaskForm):
    version = hidden_version()
    names = TextLines(_l("Short names, one a line"), longest=LONGEST_LIST, render_kw={"rows": 5})


class OfficialDomainsForm(FlaskForm):
    SHOWN_AT: ClassVar[Mapping[str, str]] = {"value": "domains"}

    domains = TextLines(
        _l("Domains of official mailboxes, one a line"),
        longest=LONGEST_LIST,
        render_kw={"rows": 5, "spellcheck": "false"},
    )


class PrivacyNoticeForm(FlaskForm):
    SHOWN_AT: ClassVar[Mapping[str, str]] = {"value": "text"}

    text = TextLines(_l("Privacy notice"), longest=LONGEST_TEXT, render_kw={"rows": 20})


class ManagerForm(FlaskForm):
    account_id = hidden_uuid(_l("Who becomes manager"))
    with_subordinates = BooleanField(_l("The agencies below, too"))
