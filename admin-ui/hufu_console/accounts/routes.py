"""The addresses of 帳號 and 我的帳號."""

from __future__ import annotations

from hufu_console.accounts import acts, views
from hufu_console.accounts.lists import PEOPLE
from hufu_console.exports.spreadsheet import sheet_route
from hufu_console.web import limits
from hufu_console.web.routing import FORM, POST, SIGNED_IN, Route
from hufu_registry.accounts.permissions import (
    EDIT_ACCOUNTS,
    RESEND_ACTIVATION,
    RESET_OTP,
    SEE_ACCOUNTS,
    SUSPEND_ACCOUNTS,
)
from hufu_registry.agencies.permissions import EDIT_AGENCIES

SEE, EDIT = SEE_ACCOUNTS, EDIT_ACCOUNTS
ONE = "/accounts/<uuid:account_id>"

ROUTES = (
    Route("/accounts", "accounts.people", views.people, SEE),
    sheet_route("/accounts.xlsx", PEOPLE),
    Route("/accounts/search", "accounts.search", views.search, SEE, POST),
    Route(ONE, "accounts.account", views.account, SEE),
    Route(f"{ONE}/progress", "accounts.progress", views.progress, SEE, by_itself=True),
    Route(f"{ONE}/edit", "accounts.edit", views.edit, EDIT, FORM),
    Route(f"{ONE}/mailbox", "accounts.mailbox", acts.mailbox, EDIT, FORM),
    Route(f"{ONE}/resend", "accounts.resend", views.resend, RESEND_ACTIVATION, POST),
    Route(f"{ONE}/sync", "accounts.sync_now", views.sync_now, EDIT, POST),
    Route(f"{ONE}/unlock", "accounts.unlock", acts.unlock, EDIT, POST),
    Route(
        f"{ONE}/require-password-change", "accounts.require_password_change", acts.require_password_change, EDIT, FORM
    ),
    Route(f"{ONE}/reset-otp", "accounts.reset_otp", acts.reset_otp, RESET_OTP, FORM),
    Route(f"{ONE}/disable", "accounts.disable", acts.disable, EDIT, FORM),
    Route(f"{ONE}/suspend", "accounts.suspend", acts.suspend, SUSPEND_ACCOUNTS, FORM),
    Route(f"{ONE}/restore", "accounts.restore", acts.restore, EDIT, FORM),
    Route(f"{ONE}/delete", "accounts.delete", acts.delete, EDIT, FORM),
    Route(f"{ONE}/transfer", "accounts.transfer", acts.transfer, EDIT_AGENCIES, FORM),
    Route("/me", "accounts.mine", views.mine, SIGNED_IN),
    Route("/me/progress", "accounts.my_progress", views.my_progress, SIGNED_IN, by_itself=True),
    Route("/me/official-mail", "accounts.prove_mail", views.prove_mail, SIGNED_IN, FORM, limits.TRIES),
    Route("/me/official-mail/code", "accounts.send_mail_code", views.send_mail_code, SIGNED_IN, POST, limits.CODES),
    Route("/me/sync", "accounts.sync_mine", views.sync_mine, SIGNED_IN, POST, limits.SENDING),
)
