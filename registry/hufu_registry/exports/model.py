"""An export: a list somebody asked for as a file, written by a process of its own, and kept for a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from hufu_registry.kernel.errors import IllegalMove
from hufu_registry.kernel.ids import AccountId, AgencyId

FILE_LIFETIME = timedelta(hours=24)
# From its first beginning, longer than a process lets one run: what is not written by then has failed.
LOST_AFTER = timedelta(minutes=15)


class ExportState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"


class ExportMove(StrEnum):
    BEGIN = "begin"
    FINISH = "finish"
    FAIL = "fail"
    RETRY = "retry"


MOVES: Mapping[tuple[ExportState, ExportMove], ExportState] = MappingProxyType(
    {
        (ExportState.WAITING, ExportMove.BEGIN): ExportState.RUNNING,
        (ExportState.WAITING, ExportMove.FAIL): ExportState.FAILED,
        # Whoever wrote it is gone; another begins at its beginning.
        (ExportState.RUNNING, ExportMove.BEGIN): ExportState.RUNNING,
        (ExportState.RUNNING, ExportMove.FINISH): ExportState.READY,
        (ExportState.RUNNING, ExportMove.FAIL): ExportState.FAILED,
        (ExportState.FAILED, ExportMove.RETRY): ExportState.WAITING,
    }
)


@dataclass(frozen=True, slots=True)
class Export:
    """`parameters` are the list's filters, without anything about people: what was searched for is kept sealed apart.

    `list_name` and `recorded_as` name the list, for the process that writes it and for the record. `rows` is how many
    are written. `begun_at` is when it was begun first, however many have tried since. `scope` are the agencies over
    which the file was written; None for all there are.
    """

    id: UUID
    requested_by: AccountId
    list_name: str
    recorded_as: str
    parameters: Mapping[str, object]
    state: ExportState
    created_at: datetime
    expires_at: datetime
    begun_at: datetime | None = None
    finished_at: datetime | None = None
    file_name: str = ""
    rows: int = 0
    scope: Sequence[AgencyId] | None = None

    def moved(self, move: ExportMove, now: datetime) -> Export:
        """Raises IllegalMove."""
        after = MOVES.get((self.state, move))
        if after is None:
            raise IllegalMove("export_state", state=self.state.value)
        begun_at = {ExportMove.BEGIN: self.begun_at or now, ExportMove.RETRY: None}.get(move, self.begun_at)
        finished_at = now if move in (ExportMove.FINISH, ExportMove.FAIL) else None
        return replace(
            self, state=after, begun_at=begun_at, finished_at=finished_at, expires_at=now + FILE_LIFETIME, rows=0
        )

    @property
    def is_unfinished(self) -> bool:
        return self.state in (ExportState.WAITING, ExportState.RUNNING)
