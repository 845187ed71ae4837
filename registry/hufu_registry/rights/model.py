"""Rights: pure functions on what an account was granted. Everything not granted is denied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from hufu_registry.agencies.model import Agency, Path
from hufu_registry.kernel.errors import Denied, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.permissions import Permission, Role


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

    def is_in_force(self, now: datetime) -> bool:
        """By its dates; `rights.store.in_force` says it in SQL."""
        return self.valid_from <= now and (self.valid_until is None or now < self.valid_until)

    def says_as_much_as(self, new: Grant) -> bool:
        """Whether `new`, of the same role there, would change nothing."""
        is_as_early = self.valid_from <= new.valid_from
        return is_as_early and self.valid_until == new.valid_until and self.with_subordinates == new.with_subordinates

    def covers(self, home_id: AgencyId, path: Path) -> bool:
        if self.agency_id is None:
            return True
        if self.agency_id == home_id:
            return True
        return self.with_subordinates and self.agency_path is not None and self.agency_path.covers(path)

    def includes(self, other: Grant) -> bool:
        """Whether it covers every place that the other covers."""
        if self.agency_id is None:
            return True
        if other.agency_id is None or other.agency_path is None or (other.with_subordinates > self.with_subordinates):
            return False
        return self.covers(other.agency_id, other.agency_path)


@dataclass(frozen=True, slots=True)
class Rights:
    """What one account may do now: its grants in force."""

    account_id: AccountId
    grants: tuple[Grant, ...]

    @property
    def is_manager(self) -> bool:
        return bool(self.grants)

    def gives(self, permission: Permission) -> bool:
        """Whether one grant gives the permission, wherever that may be."""
        return any(grant.role in permission.roles for grant in self.grants)

    def gives_everywhere(self, permission: Permission) -> bool:
        """Whether a grant that is about no place gives it: for what touches all agencies, or none."""
        return any(grant.agency_id is None and grant.role in permission.roles for grant in self.grants)

    def allows(self, permission: Permission, *, home_id: AgencyId, path: Path) -> bool:
        """Whether one grant both gives the permission and covers the place; `rights.store.covered` says it in SQL."""
        return any(grant.role in permission.roles and grant.covers(home_id, path) for grant in self.grants)

    def as_wide_as(self, grant: Grant, permissions: Iterable[Permission]) -> bool:
        """Whether each of the permissions that the grant gives is given here, too, everywhere where it gives it."""
        return all(
            any(own.role in permission.roles and own.includes(grant) for own in self.grants)
            for permission in permissions
            if grant.role in permission.roles
        )

    def require(self, permission: Permission, agency: Agency) -> None:
        """Raises NotFound where the asker may not even see, Denied where he may only see."""
        if self.allows(permission, home_id=agency.home_id, path=agency.path):
            return
        if any(grant.covers(agency.home_id, agency.path) for grant in self.grants):
            raise Denied("right_missing", permission=permission.name)
        raise NotFound("agency")

    def rooted_at(self, agency_id: AgencyId, permission: Permission) -> bool:
        """Whether a grant that gives the permission names this very agency."""
        return any(grant.role in permission.roles and grant.agency_id == agency_id for grant in self.grants)
