"""What these use cases need of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import hufu_registry.accounts.use_cases as accounts
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.propagation.use_cases import Standing
from hufu_registry.sync.model import Drift, Run, RunKind, SignInLock, SyncPolicy


class Runs(Protocol):
    def request(self, run: Run) -> None:
        """Store it for the scheduler to take."""

    def start(self, run: Run) -> None:
        """Store it as begun. A bulk run is of all that this transaction wants, and done once that is."""

    def get(self, run_id: UUID, *, lock: bool = False) -> Run:
        """Raises NotFound("run")."""

    def lock_requests(self) -> None:
        """Until the transaction ends, nobody else asks for a comparison."""

    def unfinished(self, kind: RunKind) -> Sequence[Run]:
        """Those asked for or under way, oldest first."""

    def execution_of(self, plan_id: UUID) -> Run | None: ...

    def follow(self, written: Mapping[OutboxKey, int]) -> None:
        """What the transaction wanted belongs to the bulk run it started."""

    def settle(self) -> int:
        """Close the bulk runs whose rows are all done; how many these are."""


class SignInLocks(accounts.SignInLocks, Protocol):
    def lock(self, account_id: AccountId, lock: SignInLock) -> None: ...


class Administration(Standing, Protocol):
    """The queue's rows and the targets, for a person's acts. Each says whether there was anything to change."""

    def pause(self, target: Target, why: str, paused_by: AccountId | None) -> bool: ...

    def resume(self, target: Target) -> bool: ...

    def retry(self, key: OutboxKey) -> bool:
        """Due at once, as a person's single act."""

    def drop(self, key: OutboxKey) -> bool:
        """Done, as far as the queue is concerned."""

    def drift(self, key: OutboxKey, field: str) -> Drift:
        """Raises NotFound("drift")."""

    def ignore(self, key: OutboxKey, field: str, until: datetime | None) -> None:
        """Leave it out of the list until then; None lists it again."""

    def accept(self, key: OutboxKey, field: str) -> None:
        """The registry says now what the target says."""

    def forget_written(self, key: OutboxKey, field: str) -> None:
        """The next look at the object writes the field."""

    def is_missed(self, key: OutboxKey) -> bool:
        """Whether the latest look, of the worker or of a comparison, did not find it where it was."""

    def unbind(self, key: OutboxKey) -> bool:
        """Forget where the object is."""


class Aging(Protocol):
    def due_for_deletion(self, deleted_before: datetime, limit: int) -> Sequence[AccountId]:
        """Accounts deleted before then that a target still has."""

    def forget_old(self, *, history_before: datetime, samples_before: datetime) -> None: ...


class Work(accounts.Work, Protocol):
    @property
    def policy(self) -> SyncPolicy: ...
    @property
    def comparison(self) -> Aging: ...
    @property
    def runs(self) -> Runs: ...
    @property
    def sign_in_locks(self) -> SignInLocks: ...
    @property
    def administration(self) -> Administration: ...
