"""What the rights bring."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.kernel.feature import Feature
from hufu_registry.rights.store import SqlGrants

FEATURE = Feature("rights")


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def grants(self) -> SqlGrants:
        return SqlGrants(self.connection, self.now, self.deciders_changed)
