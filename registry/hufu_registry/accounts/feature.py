"""What the accounts bring."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.accounts.events import EVENTS
from hufu_registry.accounts.model import AccountPolicy
from hufu_registry.accounts.notices import NOTICES
from hufu_registry.accounts.permissions import PERMISSIONS
from hufu_registry.accounts.store import SqlAccounts, SqlNames
from hufu_registry.accounts.use_cases import (
    disable_not_activated,
    hand_over_accounts,
    places_of_accounts,
    rename_unit_of_accounts,
)
from hufu_registry.kernel.feature import Dependent, Feature, TimedTask

FEATURE = Feature(
    "accounts",
    permissions=PERMISSIONS,
    events=EVENTS,
    notices=NOTICES,
    policy=AccountPolicy,
    tasks=(TimedTask("deadline", timedelta(minutes=10), disable_not_activated),),
    dependents=(Dependent("accounts", places_of_accounts, hand_over_accounts, rename_unit_of_accounts),),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def accounts(self) -> SqlAccounts:
        return SqlAccounts(self.connection, self.tools.keys, self.now)

    @cached_property
    def names(self) -> SqlNames:
        return SqlNames(self.connection, self.policy.freed_name_rest, self.now)
