"""What happens to accounts; each function is one transaction or says that it joins one."""

from hufu_registry.accounts.use_cases.changing import (
    ChangeAccount,
    change_account,
    check_official_mail,
    correct_mailbox,
    prove_official_mail,
    with_unit_named,
)
from hufu_registry.accounts.use_cases.deadline import disable_not_activated
from hufu_registry.accounts.use_cases.dependents import (
    hand_over_accounts,
    places_of_accounts,
    rename_unit_of_accounts,
)
from hufu_registry.accounts.use_cases.lifecycle import (
    delete,
    delete_account,
    disable,
    disable_account,
    outlives_transfer,
    require_password_change,
    restore_account,
    suspend_account,
    transfer,
    unlock_account,
)
from hufu_registry.accounts.use_cases.moves import move_account, take_name
from hufu_registry.accounts.use_cases.opening import (
    FirstSystemManager,
    activate_account,
    first_system_manager,
    open_account,
    resend_activation,
    resend_own_activation,
)
from hufu_registry.accounts.use_cases.permission import account_to_change, hold_places
from hufu_registry.accounts.use_cases.ports import Accounts, Names, SignInLocks, Work
from hufu_registry.accounts.use_cases.second_factor import otp_is_missing, reset_otp

__all__ = [
    "Accounts",
    "ChangeAccount",
    "FirstSystemManager",
    "Names",
    "SignInLocks",
    "Work",
    "account_to_change",
    "activate_account",
    "change_account",
    "check_official_mail",
    "correct_mailbox",
    "delete",
    "delete_account",
    "disable",
    "disable_account",
    "disable_not_activated",
    "first_system_manager",
    "hand_over_accounts",
    "hold_places",
    "move_account",
    "open_account",
    "otp_is_missing",
    "outlives_transfer",
    "places_of_accounts",
    "prove_official_mail",
    "rename_unit_of_accounts",
    "require_password_change",
    "resend_activation",
    "resend_own_activation",
    "reset_otp",
    "restore_account",
    "suspend_account",
    "take_name",
    "transfer",
    "unlock_account",
    "with_unit_named",
]
