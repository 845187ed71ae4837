"""What is new for somebody stands in his bell until he reads it, or until it is dealt with."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol
from uuid import UUID

from hufu_registry.bell.model import BellEntry, BellPolicy
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.work import Services
from hufu_registry.kernel.work import Work as KernelWork


class Bell(Protocol):
    def find(self, entry_id: UUID) -> BellEntry | None: ...

    def mark_read(self, account_id: AccountId, entry_id: UUID | None = None) -> None:
        """One of his entries, or all."""

    def settle(self, notice: str, object_id: str) -> None:
        """Nobody needs to be told of it any more."""

    def forget_before(self, moment: datetime) -> None: ...


class Work(KernelWork, Protocol):
    @property
    def policy(self) -> BellPolicy: ...
    @property
    def bell(self) -> Bell: ...


def read_entry(entry_id: UUID, services: Services[Work], actor: Actor) -> BellEntry:
    """It is read from now on. Raises NotFound("bell_entry") for everybody else's."""
    with services.begin(actor) as work:
        entry = work.bell.find(entry_id)
        if entry is None or entry.account_id != actor.account_id:
            raise NotFound("bell_entry")
        work.bell.mark_read(entry.account_id, entry.id)
    return entry


def read_all(services: Services[Work], actor: Actor) -> None:
    if actor.account_id is not None:
        with services.begin(actor) as work:
            work.bell.mark_read(actor.account_id)


def forget_old_entries(services: Services[Work], actor: Actor) -> None:
    """Clear what was told long ago; the scheduler's work."""
    with services.begin(actor) as work:
        work.bell.forget_before(work.now - work.policy.bell_lifetime)
