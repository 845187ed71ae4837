"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import MANAGERS, Permission

SEE_ACCOUNTS = Permission("see_accounts", MANAGERS)
EDIT_ACCOUNTS = Permission("edit_accounts", MANAGERS)
SUSPEND_ACCOUNTS = Permission("suspend_accounts", MANAGERS)
RESEND_ACTIVATION = Permission("resend_activation", MANAGERS)
RESET_OTP = Permission("reset_otp", MANAGERS)

PERMISSIONS = (SEE_ACCOUNTS, EDIT_ACCOUNTS, SUSPEND_ACCOUNTS, RESEND_ACTIVATION, RESET_OTP)
