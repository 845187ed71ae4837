"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission

RELEASE_HELD_CHANGES = Permission("release_held_changes", SYSTEM_MANAGERS)

PERMISSIONS = (RELEASE_HELD_CHANGES,)
