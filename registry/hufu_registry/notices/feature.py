"""What the notices bring."""

from __future__ import annotations

from functools import cached_property

import hufu_registry.kernel.stores as kernel
from hufu_registry.bell.store import SqlBell
from hufu_registry.kernel.feature import Feature
from hufu_registry.notices.rendering import DIGEST
from hufu_registry.notices.store import SqlNotices

FEATURE = Feature("notices", notices=(DIGEST,))


class Stores(kernel.Stores):
    feature = FEATURE

    @cached_property
    def notices(self) -> SqlNotices:
        bell = SqlBell(self.connection, self.now)
        return SqlNotices(self.connection, self.tools.keys, self.tools.ids, self.outbox, self.now, bell)
