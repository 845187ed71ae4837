"""Rights: pure functions on what an account was granted. Everything not granted is denied."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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


MANAGER_MAY = frozenset(
    {
        Permission.SEE_CASES,
        Permission.DECIDE_CASES,
        Permission.SEE_ACCOUNTS,
        Permission.EDIT_ACCOUNTS,
        Permission.RESEND_ACTIVATION,
        Permission.EDIT_UNITS,
    }
)


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
        if self.role is Role.SYSTEM_MANAGER:
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

    def allows(self, permission: Permission, *, home_id: AgencyId, path: Path) -> bool:
        if self.is_system_manager:
            return True
        return permission in MANAGER_MAY and any(grant.covers(home_id, path) for grant in self.grants)

    def require(self, permission: Permission, at: Agency) -> None:
        """Raises NotFound where the asker may not even see, Denied where he may only see."""
        if self.allows(permission, home_id=at.home_id, path=at.path):
            return
        if self.allows(Permission.SEE_CASES, home_id=at.home_id, path=at.path):
            raise Denied("right_missing", permission=permission.value)
        raise NotFound("agency")

    def rooted_at(self, agency_id: AgencyId) -> bool:
        """Whether a manager's grant names this very agency."""
        return any(grant.role is Role.AGENCY_MANAGER and grant.agency_id == agency_id for grant in self.grants)
