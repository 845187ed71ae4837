"""What may be done here, and the roles that may."""

from __future__ import annotations

from hufu_registry.kernel.permissions import MANAGERS, Permission

SEE_CASES = Permission("see_cases", MANAGERS)
DECIDE_CASES = Permission("decide_cases", MANAGERS, always_held=True)

PERMISSIONS = (SEE_CASES, DECIDE_CASES)
