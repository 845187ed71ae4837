"""What the audit records of accounts say was done."""

from __future__ import annotations

EVENTS = (
    "account.activated",
    "account.activation_resent",
    "account.changed",
    "account.deleted",
    "account.disabled",
    "account.mailbox_corrected",
    "account.official_mail_proved",
    "account.opened",
    "account.otp_missing",
    "account.otp_reset",
    "account.password_change_required",
    "account.remade",
    "account.restored",
    "account.suspended",
    "account.transferred",
    "account.unlocked",
)
