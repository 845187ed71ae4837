"""What may be done, as data: each feature declares its permissions, each permission the roles that have it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    AGENCY_MANAGER = "agency_manager"
    SYSTEM_MANAGER = "system_manager"


@dataclass(frozen=True, slots=True, eq=False)
class Permission:
    """`roles` have it, each at the places that its grant covers; whoever is not named here is denied."""

    name: str
    roles: frozenset[Role]


MANAGERS = frozenset({Role.AGENCY_MANAGER, Role.SYSTEM_MANAGER})
SYSTEM_MANAGERS = frozenset({Role.SYSTEM_MANAGER})
