"""Accounts that a person wants made again: the directory was asked a moment ago, and only what it misses is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.propagation.model import ActionKind, ActionState
from hufu_registry.sync.use_cases.administration import hold_for_making, make_again_within
from hufu_sync.converge.row import Row
from hufu_sync.errors import Gone
from hufu_sync.outcomes import LeaseLostError

FOUND = "found"


def make_again(services: SqlServices, rows: Sequence[Row]) -> set[Row]:
    """Those of the rows that are settled by it: each is wanted anew, and the worker makes it at its next turn."""
    missed = {row for row in rows if isinstance(row.found, Gone) and not row.goes and _wishes(row)}
    for row in missed:
        with services.begin(SYSTEM) as work:
            if not work.queue.generations([row.claimed]):
                row.outcome = LeaseLostError()
                continue
            hold_for_making(work, row.key)
            for number in _wishes(row):
                work.actions.close(number, ActionState.DONE, "done")
            # Deleted meanwhile, it needs not be made.
            with suppress(IllegalMove):
                make_again_within(work, services, row.key)
    return missed


def _wishes(row: Row) -> Sequence[int]:
    return [action.number for action in row.actions if action.kind is ActionKind.MAKE_AGAIN]
