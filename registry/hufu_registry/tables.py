"""Every feature's tables in one metadata, for migrations."""

from __future__ import annotations

import hufu_registry.accounts.store
import hufu_registry.agencies.store
import hufu_registry.audit.store
import hufu_registry.cases.store
import hufu_registry.guard.store
import hufu_registry.notices.store
import hufu_registry.people.store
import hufu_registry.rights.store
import hufu_registry.sessions.store
import hufu_registry.sync.store  # noqa: F401 - each import adds its tables
from hufu_registry.kernel.store import metadata

__all__ = ["metadata"]
