"""What the records bring."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.audit.store import SqlAudit
from hufu_registry.kernel.feature import Feature

FEATURE = Feature("audit")


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self.connection, self.tools.keys, self.actor, self.now)
