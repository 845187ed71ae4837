"""Every feature's tables in one metadata, for migrations."""

from __future__ import annotations

import hufu_registry.features  # noqa: F401 - each feature adds its tables
from hufu_registry.kernel.store import metadata

__all__ = ["metadata"]
