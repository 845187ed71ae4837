"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission

ADMINISTER_SYNC = Permission("administer_sync", SYSTEM_MANAGERS)

PERMISSIONS = (ADMINISTER_SYNC,)
