"""What the cases bring."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.cases.notices import NOTICES
from hufu_registry.cases.store import SqlCases
from hufu_registry.kernel.feature import Feature

FEATURE = Feature("cases", notices=NOTICES)


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self.connection, self.tools.keys, self.now)
