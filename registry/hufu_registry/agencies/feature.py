"""What the agencies bring."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.agencies.events import EVENTS
from hufu_registry.agencies.model import AgencyPolicy
from hufu_registry.agencies.permissions import PERMISSIONS
from hufu_registry.agencies.store import SqlAgencies
from hufu_registry.kernel.feature import Feature

FEATURE = Feature("agencies", events=EVENTS, permissions=PERMISSIONS, policy=AgencyPolicy)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def agencies(self) -> SqlAgencies:
        return SqlAgencies(self.connection, self.deciders_changed)
