"""What the guard brings: held changes, and the acts on agencies and accounts that may be held."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.guard.events import EVENTS
from hufu_registry.guard.model import GuardPolicy
from hufu_registry.guard.notices import NOTICES
from hufu_registry.guard.permissions import PERMISSIONS
from hufu_registry.guard.store import SqlHeldChanges
from hufu_registry.guard.use_cases import (
    Command,
    DeleteAccounts,
    DisableAccounts,
    ImportAgencies,
    MergeAgency,
    MoveAgency,
    RenameAgency,
    TransferAccounts,
)
from hufu_registry.kernel.feature import Feature

FEATURE = Feature(
    "guard",
    events=EVENTS,
    notices=NOTICES,
    permissions=PERMISSIONS,
    policy=GuardPolicy,
    commands=(
        RenameAgency,
        MoveAgency,
        MergeAgency,
        ImportAgencies,
        TransferAccounts,
        DisableAccounts,
        DeleteAccounts,
    ),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def held_changes(self) -> SqlHeldChanges:
        return SqlHeldChanges(self.connection)

    @property
    def commands(self) -> Mapping[str, type[Command]]:
        """Every feature's guarded commands by their kind."""
        return {command.kind: command for feature in self.features() for command in feature.commands}
