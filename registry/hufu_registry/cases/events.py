"""What the audit records of cases say was done."""

from __future__ import annotations

EVENTS = (
    "case.applied",
    "case.approved",
    "case.changed",
    "case.name_chosen",
    "case.name_collided",
    "case.readdressed",
    "case.rejected",
    "case.withdrawn",
)
