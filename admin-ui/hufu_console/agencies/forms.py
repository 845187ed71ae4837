"""What is filled in to change an agency or a unit."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, HiddenField, StringField, TextAreaField

from hufu_console.web.roc_field import DayField


class UnitForm(FlaskForm):
    name = StringField(_l("Name of the unit"), render_kw={"maxlength": 200, "autocomplete": "off"})
    oid = StringField(_l("OID (if it has one)"), render_kw={"maxlength": 80, "autocomplete": "off"})


class RenameForm(FlaskForm):
    version = HiddenField()
    name = StringField(_l("New name"), render_kw={"maxlength": 200, "autocomplete": "off"})
    since = DayField(_l("From which day"))


class MoveForm(FlaskForm):
    version = HiddenField()
    parent_id = HiddenField(_l("Under which agency"))
    since = DayField(_l("From which day"))


class MergeForm(FlaskForm):
    version = HiddenField()
    agency_id = HiddenField(_l("Into which agency"))
    on = DayField(_l("First day on which it no longer exists"))


class CloseForm(FlaskForm):
    version = HiddenField()
    on = DayField(_l("First day on which it no longer exists"))


class ReopenForm(FlaskForm):
    version = HiddenField()


class DomainsForm(FlaskForm):
    version = HiddenField()
    domains = TextAreaField(_l("Mail domains, one a line"), render_kw={"rows": 5, "spellcheck": "false"})


class ManagerForm(FlaskForm):
    account_id = HiddenField(_l("Who becomes manager"))
    with_subordinates = BooleanField(_l("The agencies below, too"))
