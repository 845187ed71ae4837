"""What asking the targets to follow brings."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.kernel.feature import Feature
from hufu_registry.propagation.store import SqlActions

FEATURE = Feature("propagation")


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def actions(self) -> SqlActions:
        return SqlActions(self.connection, self.now)
