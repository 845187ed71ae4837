"""PostgreSQL for accounts: tables, the repositories of the use cases, and the read models of pages."""

from hufu_registry.accounts.store.queries import (
    SORTED_BY,
    USUAL,
    AccountRow,
    Holds,
    ManagerRow,
    PeopleFilter,
    in_scope,
    is_in_scope,
    manager_of,
    managers_of,
    names_of,
    nearest_managers,
    people,
    people_among,
)
from hufu_registry.accounts.store.repository import MOST_TOLD, SqlAccounts, SqlNames, accounts, holding, taken_names

__all__ = [
    "MOST_TOLD",
    "SORTED_BY",
    "USUAL",
    "AccountRow",
    "Holds",
    "ManagerRow",
    "PeopleFilter",
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
    "people_among",
    "taken_names",
]
