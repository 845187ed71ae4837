"""Every part of a page on one page, to look at and to test; only in a test build."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from flask import render_template
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from hufu_registry.kernel.paging import Page, Paged

MADE_UP = datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)


STATES = [SelectChoice("pending", _l("Pending")), SelectChoice("approved", _l("Approved"))]


class GalleryForm(FlaskForm):
    account_name = StringField(_l("Account name"), validators=[InputRequired(_l("Enter an account name."))])
    title = StringField(_l("Title"))
    kind = SelectField(_l("State"), choices=STATES)
    choice = RadioField(_l("State"), choices=STATES, default="pending")
    consent = BooleanField(_l("I have read the terms of service and the privacy policy and agree to them."))


def gallery() -> str:
    form = GalleryForm(meta={"csrf": False})
    form.account_name.errors = [_l("Enter an account name.")]
    rows = [
        SimpleNamespace(id=1, name="王小明", agency="內政部消防署 › 秘書室", state="waiting", at=MADE_UP, count=12),
        SimpleNamespace(
            id=2, name="𠮷田𡈽子", agency="內政部警政署刑事警察局國際刑警科", state="good", at=MADE_UP, count=3
        ),
        SimpleNamespace(id=3, name="Lin", agency="臺北市政府", state="refused", at=MADE_UP, count=1_234),
    ]
    paged = Paged(rows, 57, Page(2))
    return render_template("gallery.html", form=form, paged=paged, at=MADE_UP)
