"""What exports bring."""

from __future__ import annotations

from datetime import timedelta
from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.exports.events import EVENTS
from hufu_registry.exports.store import SqlExports
from hufu_registry.exports.use_cases import settle_exports
from hufu_registry.kernel.feature import Feature, TimedTask

FEATURE = Feature("exports", events=EVENTS, tasks=(TimedTask("exports", timedelta(minutes=1), settle_exports),))


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def exports(self) -> SqlExports:
        return SqlExports(self.connection, self.tools.keys, self.now)
