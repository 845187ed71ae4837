"""What the audit records of held changes say was done."""

from __future__ import annotations

EVENTS = (
    "held_change.cancelled",
    "held_change.failed",
    "held_change.grew",
    "held_change.held",
    "held_change.refused",
    "held_change.released",
)
