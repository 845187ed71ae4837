"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import MANAGERS, SYSTEM_MANAGERS, Permission

EDIT_UNITS = Permission("edit_units", MANAGERS)
EDIT_AGENCIES = Permission("edit_agencies", SYSTEM_MANAGERS)

PERMISSIONS = (EDIT_UNITS, EDIT_AGENCIES)
