"""Why a row of the queue is not done though nothing is wrong with its object: beside the errors of targets."""

from __future__ import annotations

from hufu_registry.kernel.outbox import OutboxKey

# What came of a row: None when it is done, else why not.
Outcome = Exception | None


class LeaseLostError(Exception):
    """Somebody else holds the row now: whatever we were about to record is his to record."""


class NotReachedError(Exception):
    """The target went away before this row's turn: nothing was done, and nothing is wrong with it."""


class NotForetoldError(Exception):
    """The plan that is executed did not show what this object would lose: it is left to the queue."""


class NotReadyError(Exception):
    """`key` has to be done first; `is_known` where the queue itself holds the row back until then."""

    def __init__(self, key: OutboxKey, *, is_known: bool) -> None:
        super().__init__(str(key))
        self.key = key
        self.is_known = is_known
