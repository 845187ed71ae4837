"""Handing work to the sync engine, and what people do about it."""

from hufu_registry.sync.use_cases.accounts import (
    ChangeAccount,
    activate_account,
    change_account,
    check_official_mail,
    converge_now,
    open_account,
    resend_activation,
)
from hufu_registry.sync.use_cases.administration import (
    converge_agency,
    drop_work,
    make_again,
    pause_target,
    request_comparison,
    request_plan,
    request_plan_execution,
    require_administrator,
    resume_target,
    retry_now,
)
from hufu_registry.sync.use_cases.drift import accept_drift, ignore_drift, list_drift_again, overwrite_drift
from hufu_registry.sync.use_cases.lifecycle import (
    delete_account,
    disable_account,
    require_password_change,
    restore_account,
    transfer_account,
    unlock_account,
)
from hufu_registry.sync.use_cases.ports import Acts, Administration, Runs, SignInLocks, Work
from hufu_registry.sync.use_cases.wanting import request_act, targets, want_account, want_accounts, want_agencies

__all__ = [
    "Acts",
    "Administration",
    "ChangeAccount",
    "Runs",
    "SignInLocks",
    "Work",
    "accept_drift",
    "activate_account",
    "change_account",
    "check_official_mail",
    "converge_agency",
    "converge_now",
    "delete_account",
    "disable_account",
    "drop_work",
    "ignore_drift",
    "list_drift_again",
    "make_again",
    "open_account",
    "overwrite_drift",
    "pause_target",
    "request_act",
    "request_comparison",
    "request_plan",
    "request_plan_execution",
    "require_administrator",
    "require_password_change",
    "resend_activation",
    "restore_account",
    "resume_target",
    "retry_now",
    "targets",
    "transfer_account",
    "unlock_account",
    "want_account",
    "want_accounts",
    "want_agencies",
]
