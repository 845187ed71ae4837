"""What the bell brings."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.bell.model import BellPolicy
from hufu_registry.bell.store import SqlBell
from hufu_registry.bell.use_cases import forget_old_entries
from hufu_registry.kernel.feature import Feature, TimedTask

FEATURE = Feature(
    "bell",
    policy=BellPolicy,
    tasks=(TimedTask("bell", timedelta(hours=1), forget_old_entries),),
)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def bell(self) -> SqlBell:
        return SqlBell(self.connection, self.now)
