"""PostgreSQL for accounts: tables, the repositories of the use cases, and the read models of pages."""

from hufu_registry.accounts.store.queries import (
    AccountRow,
    ManagerRow,
    in_scope,
    is_in_scope,
    manager_of,
    managers_of,
    names_of,
    nearest_managers,
    people,
)
from hufu_registry.accounts.store.repository import MOST_TOLD, SqlAccounts, SqlNames, accounts, holding, taken_names

__all__ = [
    "MOST_TOLD",
    "AccountRow",
    "ManagerRow",
    "SqlAccounts",
    "SqlNames",
    "accounts",
    "holding",
    "in_scope",
    "is_in_scope",
    "manager_of",
    "managers_of",
    "names_of",
    "nearest_managers",
    "people",
    "taken_names",
]
