"""The lists of accounts and of their owners' sign-ins."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.agencies.lists import OF_AGENCY, agency_in
from hufu_console.web.context import now, registry
from hufu_console.web.labels import declared_label
from hufu_console.web.language import DEFAULT, language
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage, day_of, words
from hufu_console.web.moments import roc_date
from hufu_console.web.paging import Read
from hufu_console.web.viewer import viewer
from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.accounts.store import Holds, PeopleFilter
from hufu_registry.sync.model import SignIn, SignInState
from hufu_registry.sync.store import OfficialRow, SignInFilter, officials, sign_ins

WORDS = "accounts/_labels.html"


def read_people(asked: Asked) -> Read[OfficialRow]:
    """Those in the viewer's scope."""
    me, moment, keys = viewer().account_id, now(), registry().keys
    only = PeopleFilter(
        asked.choice("state", AccountState),
        asked.words,
        asked.choice("role", Holds),
        agency_id=agency_in(asked),
        within=viewer().works_at,
    )
    signing_in = SignInFilter(
        asked.choice("sign_in", SignInState), asked.day("not_since"), never=bool(asked.filters["never"])
    )
    return lambda connection, page: officials(connection, keys, me, moment, page, only, signing_in, sort=asked.sort)


def role_word(held: str) -> str:
    return str(_("Ordinary user")) if held == Holds.ORDINARY else declared_label("role", held)


def role_words(roles: Sequence[str]) -> str:
    return str(_(", ")).join(map(role_word, roles or (Holds.ORDINARY,)))


PEOPLE = ListPage(
    "accounts.people",
    _l("Personal official accounts"),
    lead=_l("Personal accounts in your scope."),
    count=lambda num: ngettext("%(num)s account", "%(num)s accounts", num),
    columns=(
        Column("account_name", _l("Account name"), lambda row: row.account_name, sort=True),
        Column("name", _l("Name"), lambda row: row.name, sort=True),
        Column("title", _l("Title"), lambda row: row.title, page=False),
        Column("role", _l("Role"), lambda row: role_words(row.roles)),
        Column("agency", _l("Agency and unit"), lambda row: f"{row.agency_name} {row.unit_name}".strip(), sort=True),
        Column("approved_at", _l("Approved at"), lambda row: row.approved_at, page=False),
        Column("state", _l("State"), lambda row: words(WORDS, "account_word", row.state.value), sort=True),
        Column(
            "sign_in", _l("Sign-in permission"),
            lambda row: words(WORDS, "sign_in_word", row.sign_in.value) if row.sign_in else "", sort=True,
        ),
        Column("last_sign_in", _l("Last sign-in"), lambda row: row.last_sign_in_at, sort=True),
    ),
    read=read_people,
    words=_l("Name or account name"),
    search="accounts.search",
    filters=(
        OF_AGENCY,
        Filter("role", _l("Role"), role_word, options=("", *Holds)),
        Filter("state", _l("State"), lambda value: words(WORDS, "account_word", value), options=("", *AccountState)),
        Filter(
            "sign_in", _l("Sign-in permission"), lambda value: words(WORDS, "sign_in_word", value),
            options=("", *SignInState),
        ),
        Filter(
            "not_since", _l("No sign-in since"),
            lambda day: _("No sign-in since %(day)s", day=roc_date(day_of(day))), day=True,
        ),
        Filter("never", _l("Ever signed in"), lambda _value: _("Never signed in"), options=("", "yes")),
    ),
    cells="accounts/_people.html",
    nothing=Empty(_l("No account in your scope is like that."), link=_l("Show all")),
    unmatched=Empty(_l("No account in your scope is like that."), link=_l("Show all")),
    sheet="accounts.people_xlsx",
    recorded="accounts",
    permission=SEE_ACCOUNTS,
)  # fmt: skip


def client_name(row: SignIn) -> str:
    """What people call the application; its id until the sign-in server has told."""
    return (row.client_name if language() == DEFAULT else row.client_name_en) or row.client


def read_sign_ins(asked: Asked) -> Read[SignIn]:
    """The viewer's own."""
    me = viewer().account_id
    return lambda connection, page: sign_ins(connection, me, page, sort=asked.sort)


SIGN_INS = ListPage(
    "accounts.mine",
    _l("My sign-ins"),
    count=lambda _num: _(
        "The newest come first. Is one missing, or one among them that was not you? Tell the manager of your agency."
    ),
    columns=(
        Column("at", _l("When"), lambda row: row.at, sort=True),
        Column("what", _l("What"), lambda row: words(WORDS, "event_word", row.type, row.error), sort=True),
        Column("client", _l("System"), client_name, sort=True),
        Column("address", _l("Address"), lambda row: row.address, sort=True),
    ),
    read=read_sign_ins,
    cells="accounts/_sign_ins.html",
    nothing=Empty(_l("No sign-ins recorded yet."), help=_l("They appear here within a minute.")),
)
