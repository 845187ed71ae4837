"""What is done with an account: each act has a page that says what it means, and then does it."""

from __future__ import annotations

from collections.abc import Callable

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

import hufu_registry.accounts.use_cases as accounts
from hufu_console.accounts import queries
from hufu_console.accounts.forms import DisableForm, ReasonForm, TransferForm
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, now, policy, registry
from hufu_console.web.numbers import number_in
from hufu_console.web.submitting import submitted
from hufu_console.web.viewer import viewer
from hufu_registry.guard.use_cases import TransferAccounts
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId


def act_on(
    account_id: AccountId, template: str, form: FlaskForm, act: Callable[[AccountId], object]
) -> ResponseReturnValue:
    """The page of an act on an account that the viewer sees; afterwards he is at the account again."""
    account, in_force = queries.seen_account(viewer(), account_id), policy()
    return act_page(
        form, f"accounts/{template}.html", lambda: done(act(account_id), page_of(account_id)),
        account=account, policy=in_force, gone_on=now() + in_force.deletion_wait,
    )  # fmt: skip


def page_of(account_id: AccountId) -> str:
    return url_for("accounts.account", account_id=account_id)


def unlock(account_id: AccountId) -> ResponseReturnValue:
    """解除鎖定."""
    queries.seen_account(viewer(), account_id)
    accounts.unlock_account(account_id, registry(), actor())
    return done(_("Unlocked. The person can try again within seconds."), page_of(account_id))


def require_password_change(account_id: AccountId) -> ResponseReturnValue:
    def act(at: AccountId) -> object:
        accounts.require_password_change(at, registry(), actor())
        return _("At the next sign-in the person chooses a new password.")

    return act_on(account_id, "require_password_change", filled(FlaskForm), act)


def transfer(account_id: AccountId) -> ResponseReturnValue:
    """To another agency; for system managers."""
    account, form = queries.seen_account(viewer(), account_id), filled(TransferForm)

    def said(_accounts: object) -> object:
        return _("Transferred. The systems follow within seconds.")

    def act() -> ResponseReturnValue:
        agency_id = number_in(form.agency_id)
        if agency_id is None:
            raise Invalid(fields={"agency_id": "agency_required"})
        command = TransferAccounts((account_id,), AgencyId(agency_id))
        return submitted(command, _("Transfer the account"), said, page_of(account_id))

    return act_page(form, "accounts/transfer.html", act, account=account)


def disable(account_id: AccountId) -> ResponseReturnValue:
    form: DisableForm = filled(DisableForm)

    def act(at: AccountId) -> object:
        accounts.disable_account(at, registry(), actor(), reason=form.given())
        return _("Disabled. Its sessions end within seconds.")

    return act_on(account_id, "disable", form, act)


def restore(account_id: AccountId) -> ResponseReturnValue:
    form: ReasonForm = filled(ReasonForm)

    def act(at: AccountId) -> object:
        accounts.restore_account(at, registry(), actor(), reason=form.given())
        return _("Restored. Its owner gets a new activation mail.")

    return act_on(account_id, "restore", form, act)


def delete(account_id: AccountId) -> ResponseReturnValue:
    form: ReasonForm = filled(ReasonForm)

    def act(at: AccountId) -> object:
        accounts.delete_account(at, registry(), actor(), reason=form.given())
        return _("Deleted.")

    return act_on(account_id, "delete", form, act)
