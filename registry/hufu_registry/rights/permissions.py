"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission

# Nobody but the machine could appoint another.
APPOINT_MANAGERS = Permission("appoint_managers", SYSTEM_MANAGERS, always_held=True)

PERMISSIONS = (APPOINT_MANAGERS,)
