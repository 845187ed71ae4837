"""What the audit records of the sync engine say was done: by people to it, and by the worker in the targets."""

from __future__ import annotations

from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, Target
from hufu_registry.propagation.model import ActionKind

OBJECTS = (Kind.AGENCY, Kind.ACCOUNT)
DONE = ("made", "changed", "removed")


def done_in(kind: Kind, done: str, target: Target) -> str:
    """What the worker did to an object in a target."""
    return f"{kind.value}.{done}_in_{target.value}"


def acted(kind: ActionKind) -> str:
    """An act upon an account is over."""
    return f"account.{kind.value}"


# What the worker did; what people did is told without it.
IN_TARGETS = (
    *(done_in(kind, done, target) for kind in OBJECTS for done in DONE for target in STATE_TARGETS),
    *(acted(kind) for kind in ActionKind),
)
EVENTS = (
    *IN_TARGETS,
    "account.adopted_in_ad",
    "account.sync_requested",
    "agency.sync_requested",
    "comparison.requested",
    "drift.accepted",
    "drift.ignored",
    "drift.listed_again",
    "drift.overwritten",
    "plan.execution_requested",
    "plan.requested",
    "target.paused",
    "target.protected",
    "target.resumed",
    "work.dropped",
    "work.made_again",
    "work.retried",
)
