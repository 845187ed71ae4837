"""What the records bring."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.audit.store import SqlAudit
from hufu_registry.kernel.feature import Feature

FEATURE = Feature("audit")


class Stores(kernel.Stores):
    feature = FEATURE

    @classmethod
    def declared_events(cls) -> frozenset[str]:
        """What every feature's records may say was done."""
        return frozenset(event for feature in cls.features() for event in feature.events)

    @cached_property
    def audit(self) -> SqlAudit:
        return SqlAudit(self.connection, self.tools.keys, self.actor, self.now, self.declared_events())
