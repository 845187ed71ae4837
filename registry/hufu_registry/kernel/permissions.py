"""What may be done, as data: each feature declares its permissions, each permission the roles that have it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    AGENCY_MANAGER = "agency_manager"
    SYSTEM_MANAGER = "system_manager"


@dataclass(frozen=True, slots=True, eq=False)
class Permission:
    """`roles` have it, each at the places that its grant covers; whoever is not named here is denied.

    Of one that is `always_held` the last enabled holder stays wherever there is one: he is neither disabled, nor
    transferred, nor dismissed before somebody else has it there.
    """

    name: str
    roles: frozenset[Role]
    always_held: bool = False


MANAGERS = frozenset({Role.AGENCY_MANAGER, Role.SYSTEM_MANAGER})
SYSTEM_MANAGERS = frozenset({Role.SYSTEM_MANAGER})
