"""What a manager fills in to mend an official's data."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm

from hufu_console.accounts.profile import Group, kept_in, profile_form, typed_in
from hufu_console.web.fields import TextLine, TextLines, hidden_id, hidden_version
from hufu_console.web.numbers import version_in
from hufu_registry.accounts.model import WHY, Account, Profile
from hufu_registry.people.model import CODE, MAILBOX

ProfileFields: Any = profile_form(*Group)


class ProfileForm(ProfileFields):
    version = hidden_version()

    def profile(self) -> Profile:
        return Profile(**typed_in(self))

    def seen_version(self) -> int:
        return version_in(self.version)


class ReasonForm(FlaskForm):
    reason = TextLines(_l("Reason in words"), longest=WHY.longest, render_kw={"rows": 3})

    def given(self) -> str:
        return str(self.reason.data or "")


class MailboxForm(FlaskForm):
    mailbox = TextLine(
        _l("Backup mailbox"), longest=MAILBOX.longest, render_kw={"autocomplete": "off", "inputmode": "email"}
    )


class TransferForm(FlaskForm):
    agency_id = hidden_id(_l("To which agency"))


class CodeForm(FlaskForm):
    code = TextLine(
        _l("Code of six digits"),
        longest=CODE.longest,
        render_kw={"autocomplete": "one-time-code", "inputmode": "numeric"},
    )


def fields_of(account: Account) -> dict[str, str]:
    """The stored data as the form's fields."""
    return kept_in(account.profile) | {"version": str(account.version)}
