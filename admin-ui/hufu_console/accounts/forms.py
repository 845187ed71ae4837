"""What a manager fills in to mend an official's data."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, TextAreaField

from hufu_console.accounts.profile import Group, kept_in, profile_form, typed_in
from hufu_console.web.numbers import version_in
from hufu_registry.accounts.model import Account, Profile
from hufu_registry.kernel.errors import Invalid

ProfileFields: Any = profile_form(*Group)


class ProfileForm(ProfileFields):
    version = HiddenField()

    def profile(self) -> Profile:
        return Profile(**typed_in(self))

    def seen_version(self) -> int:
        return version_in(self.version)


class ReasonForm(FlaskForm):
    reason = TextAreaField(_l("Reason in words"), render_kw={"rows": 3, "maxlength": 500})

    def given(self) -> str:
        """Raises Invalid where there is none."""
        reason = " ".join(str(self.reason.data or "").split())
        if not reason:
            raise Invalid(fields={"reason": "reason_required"})
        return reason


class SuspendForm(ReasonForm):
    """In an emergency there may be no time for words."""

    def given(self) -> str:
        return " ".join(str(self.reason.data or "").split())


class TransferForm(FlaskForm):
    agency_id = HiddenField(_l("To which agency"))


def fields_of(account: Account) -> dict[str, str]:
    """The stored data as the form's fields."""
    return kept_in(account.profile) | {"version": str(account.version)}
