"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission

CHANGE_SETTINGS = Permission("change_settings", SYSTEM_MANAGERS)

PERMISSIONS = (CHANGE_SETTINGS,)
