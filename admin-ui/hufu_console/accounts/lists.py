"""The lists of accounts and of their owners' sign-ins."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from hufu_console.web.context import now
from hufu_console.web.language import DEFAULT, language
from hufu_console.web.lists import Asked, Column, Empty, Filter, ListPage, words
from hufu_console.web.paging import Read
from hufu_console.web.viewer import viewer
from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import AccountRow, people
from hufu_registry.sync.model import SignIn
from hufu_registry.sync.store import sign_ins

WORDS = "accounts/_labels.html"


def read_people(asked: Asked) -> Read[AccountRow]:
    """Those in the viewer's scope."""
    me, moment, state = viewer().account_id, now(), asked.choice("state", AccountState)
    return lambda connection, page: people(
        connection, me, moment, page, state=state, words=asked.words, sort=asked.sort
    )


PEOPLE = ListPage(
    "accounts.people",
    _l("Personal official accounts"),
    lead=_l("Personal accounts in your scope."),
    count=lambda num: ngettext("%(num)s account", "%(num)s accounts", num),
    columns=(
        Column("account_name", _l("Account name"), lambda row: row.account_name, sort=True),
        Column("name", _l("Name"), lambda row: row.name, sort=True),
        Column("agency", _l("Agency and unit"), lambda row: f"{row.agency_name} {row.unit_name}".strip()),
        Column("approved_at", _l("Approved at"), lambda row: row.approved_at, sort=True),
        Column("state", _l("State"), lambda row: words(WORDS, "account_word", row.state.value)),
    ),
    read=read_people,
    words=_l("Name or account name"),
    search="accounts.search",
    filters=(
        Filter("state", _l("State"), lambda value: words(WORDS, "account_word", value), options=("", *AccountState)),
    ),
    cells="accounts/_people.html",
    nothing=Empty(_l("No account in your scope is like that."), link=_l("Show all")),
    unmatched=Empty(_l("No account in your scope is like that."), link=_l("Show all")),
)


def client_name(row: SignIn) -> str:
    """What people call the application; its id until the sign-in server has told."""
    return (row.client_name if language() == DEFAULT else row.client_name_en) or row.client


def read_sign_ins(_asked: Asked) -> Read[SignIn]:
    """The viewer's own."""
    me = viewer().account_id
    return lambda connection, page: sign_ins(connection, me, page)


SIGN_INS = ListPage(
    "accounts.mine",
    _l("My sign-ins"),
    count=lambda _num: _(
        "The newest come first. Is one missing, or one among them that was not you? Tell the manager of your agency."
    ),
    columns=(
        Column("at", _l("When"), lambda row: row.at),
        Column("what", _l("What"), lambda row: words(WORDS, "event_word", row.type, row.error)),
        Column("client", _l("System"), client_name),
        Column("address", _l("Address"), lambda row: row.address),
    ),
    read=read_sign_ins,
    cells="accounts/_sign_ins.html",
    nothing=Empty(_l("No sign-ins recorded yet."), help=_l("They appear here within a minute.")),
)
