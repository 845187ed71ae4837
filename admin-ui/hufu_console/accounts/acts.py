"""What is done with an account: each act has a page that says what it means, and then does it."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf import FlaskForm

import hufu_registry.accounts.use_cases as accounts
from hufu_console.accounts import queries
from hufu_console.accounts.forms import MailboxForm, ReasonForm, TransferForm
from hufu_console.guard.submitting import submitted
from hufu_console.web.acts import act_page, done, filled
from hufu_console.web.context import actor, now, policy, registry
from hufu_console.web.numbers import number_in
from hufu_console.web.viewer import viewer
from hufu_registry.guard.use_cases import TransferAccounts
from hufu_registry.kernel.errors import Invalid
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import STATE_TARGETS, Target

# Where they end: that waits for no directory.
SESSIONS = (Target.KEYCLOAK,)


def page_of(account_id: AccountId) -> str:
    return url_for("accounts.account", account_id=account_id)


def unlock(account_id: AccountId) -> ResponseReturnValue:
    """解除鎖定."""
    queries.seen_account(viewer(), account_id)
    accounts.unlock_account(account_id, registry(), actor())
    return done(_("Unlocked. The person can try again within seconds."), page_of(account_id), targets=STATE_TARGETS)


def require_password_change(account_id: AccountId) -> ResponseReturnValue:
    account, form = queries.acted_on(viewer(), account_id), filled(FlaskForm)

    def act() -> ResponseReturnValue:
        accounts.require_password_change(account_id, registry(), actor())
        said = _("At the next sign-in the person chooses a new password.")
        return done(said, page_of(account_id), targets=STATE_TARGETS)

    return act_page(form, "accounts/require_password_change.html", act, account=account)


def reset_otp(account_id: AccountId) -> ResponseReturnValue:
    """重設一次性密碼."""
    account, form = queries.acted_on(viewer(), account_id), filled(FlaskForm)

    def act() -> ResponseReturnValue:
        accounts.reset_otp(account_id, registry(), actor())
        said = _("The person is mailed a link for a new one-time password.")
        return done(said, page_of(account_id), targets=STATE_TARGETS)

    return act_page(form, "accounts/reset_otp.html", act, account=account)


def mailbox(account_id: AccountId) -> ResponseReturnValue:
    """更正備用信箱, which the sign-in server did not take."""
    account = queries.acted_on(viewer(), account_id)
    form = filled(MailboxForm, mailbox=account.mailbox)

    def act() -> ResponseReturnValue:
        accounts.correct_mailbox(account_id, str(form.mailbox.data or ""), registry(), actor())
        said = _("Corrected. Both mailboxes are told, and the account goes on.")
        return done(said, page_of(account_id), targets=tuple(Target))

    return act_page(form, "accounts/mailbox.html", act, account=account)


def transfer(account_id: AccountId) -> ResponseReturnValue:
    """To another agency; for system managers."""
    account, form = queries.acted_on(viewer(), account_id), filled(TransferForm)

    def said(_accounts: object) -> object:
        return _("Transferred. The systems follow within seconds.")

    def act() -> ResponseReturnValue:
        agency_id = number_in(form.agency_id)
        if agency_id is None:
            raise Invalid(fields={"agency_id": "agency_required"})
        command = TransferAccounts((account_id,), AgencyId(agency_id))
        title = _("Transfer the account")
        return submitted(command, title, said, page_of(account_id), targets=STATE_TARGETS)

    return act_page(form, "accounts/transfer.html", act, account=account)


def disable(account_id: AccountId) -> ResponseReturnValue:
    account, form = queries.acted_on(viewer(), account_id), filled(ReasonForm)

    def act() -> ResponseReturnValue:
        accounts.disable_account(account_id, registry(), actor(), reason=form.given())
        return done(_("Disabled. Its sessions end within seconds."), page_of(account_id), targets=SESSIONS)

    return act_page(form, "accounts/disable.html", act, account=account)


def suspend(account_id: AccountId) -> ResponseReturnValue:
    """緊急停權."""
    account, form = queries.seen_account(viewer(), account_id), filled(ReasonForm)

    def act() -> ResponseReturnValue:
        accounts.suspend_account(account_id, registry(), actor(), reason=form.given())
        said = _("Suspended. Its sessions end within seconds; the managers above are told.")
        return done(said, page_of(account_id), targets=SESSIONS)

    return act_page(form, "accounts/suspend.html", act, account=account)


def restore(account_id: AccountId) -> ResponseReturnValue:
    account, form = queries.acted_on(viewer(), account_id), filled(ReasonForm)

    def act() -> ResponseReturnValue:
        accounts.restore_account(account_id, registry(), actor(), reason=form.given())
        said = _("Restored. Its owner gets a new activation mail.")
        return done(said, page_of(account_id), targets=STATE_TARGETS)

    return act_page(form, "accounts/restore.html", act, account=account)


def delete(account_id: AccountId) -> ResponseReturnValue:
    account, form, in_force = queries.acted_on(viewer(), account_id), filled(ReasonForm), policy()

    def act() -> ResponseReturnValue:
        accounts.delete_account(account_id, registry(), actor(), reason=form.given())
        return done(_("Deleted."), page_of(account_id))

    return act_page(
        form, "accounts/delete.html", act, account=account, policy=in_force, gone_on=now() + in_force.deletion_wait
    )
