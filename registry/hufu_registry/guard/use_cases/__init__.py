"""Acts that may take something from many accounts: asked for here, judged, and held where they take too much."""

from hufu_registry.guard.use_cases.account_commands import DeleteAccounts, DisableAccounts, TransferAccounts
from hufu_registry.guard.use_cases.agency_commands import ImportAgencies, MergeAgency, MoveAgency, RenameAgency
from hufu_registry.guard.use_cases.commands import Command
from hufu_registry.guard.use_cases.guarding import cancel, release, submit
from hufu_registry.guard.use_cases.ports import HeldChanges, Work

__all__ = [
    "Command",
    "DeleteAccounts",
    "DisableAccounts",
    "HeldChanges",
    "ImportAgencies",
    "MergeAgency",
    "MoveAgency",
    "RenameAgency",
    "TransferAccounts",
    "Work",
    "cancel",
    "release",
    "submit",
]
