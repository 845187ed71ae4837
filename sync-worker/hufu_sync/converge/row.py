"""One row of the queue in hand, and the lease that it is held by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.propagation.model import OneTimeAction
from hufu_registry.sync.model import Claimed
from hufu_registry.sync.model.plan import Desired, Observed, Plan, Step
from hufu_sync.desired_state import Snapshot
from hufu_sync.errors import Refused, TargetError
from hufu_sync.outcomes import NotReadyError, Outcome
from hufu_sync.targets.port import Asked, Found


@dataclass(slots=True)
class Lease:
    """Kept alive while the work goes on; who lost it must not write any more."""

    services: SqlServices
    claimed: Sequence[Claimed]
    length: timedelta
    kept_at: float = field(default_factory=monotonic)
    lost: set[OutboxKey] = field(default_factory=set)

    def holds(self, key: OutboxKey) -> bool:
        """Asked before everything that has an effect."""
        # Early, so that one slow call in between does not cost us the rows.
        if monotonic() - self.kept_at > self.length.total_seconds() / 3:
            with self.services.begin(SYSTEM) as work:
                kept = work.queue.keep(self.claimed, self.length)
            self.lost |= {row.key for row in self.claimed} - kept
            self.kept_at = monotonic()
        return key not in self.lost


@dataclass(slots=True, eq=False)
class Row:
    """One object in hand. `found` is what the target answered last, and `observed` the object as far as it is one we
    may work on. `failure` is a step that failed while others were done, `noted` the numbers of destructive
    steps that were counted before they are done, `stood` the id of what stood there before.
    """

    claimed: Claimed
    snapshot: Snapshot
    actions: Sequence[OneTimeAction]
    found: Found = None
    observed: Observed | None = None
    stood: str | None = None
    planned: Plan = field(default_factory=Plan)
    steps: list[Step] = field(default_factory=list)
    noted: Sequence[int] = ()
    touched: bool = False
    failure: TargetError | None = None
    outcome: Outcome = None

    @property
    def key(self) -> OutboxKey:
        return self.claimed.key

    @property
    def desired(self) -> Desired:
        if self.snapshot.desired is None:
            raise AssertionError("nothing is wanted")
        return self.snapshot.desired

    @property
    def goes(self) -> bool:
        return not self.desired.exists

    @property
    def is_settled(self) -> bool:
        """Whether the object's state is right, so that its actions may follow: a refused value does not matter to them,
        nor does a better place it still waits for. Where it was refused as a whole they wait with it.
        """
        if isinstance(self.outcome, NotReadyError):
            return self.snapshot.desired is not None
        refused = self.outcome is self.failure and isinstance(self.failure, Refused)
        return self.outcome is None or (refused and self.observed is not None)

    @property
    def refused(self) -> Sequence[str]:
        """The fields whose values are not taken."""
        return self.failure.fields if isinstance(self.failure, Refused) else ()

    def asked(self) -> Asked:
        remote_id = self.snapshot.remote_id if self.observed is None else self.observed.remote_id
        return Asked(self.desired, remote_id, self.snapshot.in_flight)
