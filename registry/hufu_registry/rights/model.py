"""Rights: pure functions on what an account was granted. Everything not granted is denied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from hufu_registry.agencies.model import Agency, Path
from hufu_registry.kernel.errors import Denied, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId


class Role(StrEnum):
    AGENCY_MANAGER = "agency_manager"
    SYSTEM_MANAGER = "system_manager"


class Permission(StrEnum):
    SEE_CASES = "see_cases"
    DECIDE_CASES = "decide_cases"
    SEE_ACCOUNTS = "see_accounts"
    EDIT_ACCOUNTS = "edit_accounts"
    RESEND_ACTIVATION = "resend_activation"
    EDIT_UNITS = "edit_units"
    EDIT_AGENCIES = "edit_agencies"
    APPOINT_MANAGERS = "appoint_managers"
    ADMINISTER_SYNC = "administer_sync"
    CHANGE_SETTINGS = "change_settings"


# What each role may do, at the places that its grant covers; a role or a permission that is not here is denied.
MAY: Mapping[Role, frozenset[Permission]] = MappingProxyType(
    {
        Role.AGENCY_MANAGER: frozenset(
            {
                Permission.SEE_CASES,
                Permission.DECIDE_CASES,
                Permission.SEE_ACCOUNTS,
                Permission.EDIT_ACCOUNTS,
                Permission.RESEND_ACTIVATION,
                Permission.EDIT_UNITS,
            }
        ),
        Role.SYSTEM_MANAGER: frozenset(Permission),
    }
)


def roles_with(permission: Permission) -> frozenset[Role]:
    return frozenset(role for role, permissions in MAY.items() if permission in permissions)


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at an agency (none for system managers), with its units, and with its subordinates if so flagged."""

    id: UUID
    account_id: AccountId
    role: Role
    agency_id: AgencyId | None
    agency_path: Path | None
    with_subordinates: bool
    valid_from: datetime
    valid_until: datetime | None = None

    def covers(self, home_id: AgencyId, path: Path) -> bool:
        if self.agency_id is None:
            return True
        if self.agency_id == home_id:
            return True
        return self.with_subordinates and self.agency_path is not None and self.agency_path.covers(path)


@dataclass(frozen=True, slots=True)
class Rights:
    """What one account may do now: its grants in force."""

    account_id: AccountId
    grants: tuple[Grant, ...]

    @property
    def is_system_manager(self) -> bool:
        return any(grant.role is Role.SYSTEM_MANAGER for grant in self.grants)

    @property
    def is_manager(self) -> bool:
        return bool(self.grants)

    def gives(self, permission: Permission) -> bool:
        """Whether one grant gives the permission, wherever that may be."""
        return any(permission in MAY[grant.role] for grant in self.grants)

    def allows(self, permission: Permission, *, home_id: AgencyId, path: Path) -> bool:
        """Whether one grant both gives the permission and covers the place; `rights.store.covered` says it in SQL."""
        return any(permission in MAY[grant.role] and grant.covers(home_id, path) for grant in self.grants)

    def require(self, permission: Permission, at: Agency) -> None:
        """Raises NotFound where the asker may not even see, Denied where he may only see."""
        if self.allows(permission, home_id=at.home_id, path=at.path):
            return
        if self.allows(Permission.SEE_CASES, home_id=at.home_id, path=at.path):
            raise Denied("right_missing", permission=permission.value)
        raise NotFound("agency")

    def rooted_at(self, agency_id: AgencyId, permission: Permission) -> bool:
        """Whether a manager's grant that gives the permission names this very agency."""
        return permission in MAY[Role.AGENCY_MANAGER] and any(
            grant.role is Role.AGENCY_MANAGER and grant.agency_id == agency_id for grant in self.grants
        )
