"""What the rights bring."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.feature import Dependent, Feature
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Permission
from hufu_registry.rights.events import EVENTS
from hufu_registry.rights.permissions import PERMISSIONS
from hufu_registry.rights.store import SqlGrants
from hufu_registry.rights.use_cases import (
    end_of_merged,
    places_of_grants,
    require_as_wide,
    require_at,
    require_everywhere,
)

FEATURE = Feature(
    "rights",
    permissions=PERMISSIONS,
    events=EVENTS,
    dependents=(Dependent("grants", places_of_grants, end_of_merged),),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def grants(self) -> SqlGrants:
        return SqlGrants(self.connection, self.now, self.deciders_changed)

    def require(self, permission: Permission, agency: Agency) -> None:
        """For the features to the right of rights, which cannot ask themselves."""
        require_at(self.grants, self.actor, permission, agency)

    def require_as_wide(self, account_ids: Collection[AccountId]) -> None:
        require_as_wide(self.grants, self.actor, account_ids, self.permissions())

    def require_everywhere(self, permission: Permission) -> None:
        require_everywhere(self.grants, self.actor, permission)
