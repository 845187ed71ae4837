"""Every part of a page on one page, to look at and to test; only in a test build."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

from flask import render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from hufu_console.web.fields import TextLine
from hufu_console.web.lists import Asked, Bulk, Column, Empty, Filter, Listing, ListPage
from hufu_console.web.paging import Read
from hufu_registry.kernel.paging import Page, Paged, Sort

MADE_UP = datetime(2026, 11, 21, 6, 5, 9, tzinfo=UTC)


STATES = [SelectChoice("pending", _l("Pending")), SelectChoice("approved", _l("Approved"))]


class GalleryForm(FlaskForm):
    account_name = TextLine(_l("Account name"), longest=60, validators=[InputRequired(_l("Enter an account name."))])
    title = TextLine(_l("Title"), longest=60)
    kind = SelectField(_l("State"), choices=STATES)
    choice = RadioField(_l("State"), choices=STATES, default="pending")
    consent = BooleanField(_l("I have read the privacy notice."))


def nobody(_asked: Asked) -> Read[SimpleNamespace]:
    """There is no registry here; the gallery shows a page of its own."""
    raise NotImplementedError


WORDS = {"waiting": _l("Pending"), "good": _l("Approved"), "refused": _l("Rejected"), "off": _l("Withdrawn")}
LIST = ListPage(
    "gallery.gallery",
    _l("Cases"),
    count=lambda _num: _("Cases"),
    columns=(
        Column("name", _l("Applicant"), lambda row: row.name, sort=True),
        Column("agency", _l("Agency"), lambda row: row.agency),
        Column("state", _l("State"), lambda row: str(WORDS[row.state])),
        Column("at", _l("Sent"), lambda row: row.at, sort=True),
        Column("count", _l("Count"), lambda row: row.count, num=True),
    ),
    read=nobody,
    words=_l("Search"),
    filters=(Filter("state", _l("State"), lambda value: str(WORDS[value]), options=("", *WORDS)),),
    bulk=Bulk(
        "gallery.gallery",
        _l("Approve"),
        _l("Only in a test build."),
        pick=lambda row: row.id,
        name=lambda row: row.name,
    ),
    cells="gallery/_cells.html",
    nothing=Empty(_l("No case waits for you."), link=_l("Show all")),
)


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
    asked = Asked(filters={"state": "waiting"}, sort=Sort("name"))
    return render_template(
        "gallery.html",
        form=form,
        listing=Listing(LIST, asked, Paged(rows, 57, Page(2))),
        nothing=Listing(LIST, Asked(filters={"state": ""}), Paged([], 0, Page())),
        words=WORDS,
        at=MADE_UP,
    )
