"""Bring objects in one target to what the registry says, a batch at a time, and do their one-time actions.

`converge` is the whole way, a line a stage: one transaction before, one after, and few calls of the target however
many objects there are. What is wrong with one object fails that one. Killed anywhere, the next run finds what is
there and goes on: an object that carries our mark is ours though we never came to note its id, and what was written
is only noted then. A step that failed leaves the others done: it alone is what the row still waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey
from hufu_registry.sync.model import Claimed, Code
from hufu_registry.sync.model.plan import Create, Delete, Observed, Plan, SetFields, plan, values_there, wanted_values
from hufu_registry.sync.model.plan_file import Forecast
from hufu_sync.converge.guard import guard
from hufu_sync.converge.make_way import make_way
from hufu_sync.converge.making_again import make_again
from hufu_sync.converge.note import note_and_finish, note_locks
from hufu_sync.converge.one_time_actions import ActionPort, ActionRunner
from hufu_sync.converge.row import Lease, Row
from hufu_sync.desired_state import TargetConfig, read
from hufu_sync.errors import Conflict, Gone, Misconfigured, Refused, TargetError, Transient, Unreachable
from hufu_sync.outcomes import LeaseLostError, NotReachedError, Outcome
from hufu_sync.targets.port import StateTarget

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Converger:
    """`config.target` is what `target` talks to; `actions` its one-time actions, where it has any. `lockout` says how
    long it locks who tries too often, None for ever.
    """

    services: SqlServices
    config: TargetConfig
    target: StateTarget
    actions: ActionPort | None
    lease_length: timedelta
    lockout: Callable[[], timedelta | None] = lambda: None

    def converge(self, claimed: Sequence[Claimed], forecast: Forecast | None = None) -> Mapping[OutboxKey, Outcome]:
        """Finish the rows that can be finished; for each that cannot, a TargetError, LeaseLostError, NotReadyError,
        NotForetoldError or NotReachedError. With a `forecast`, nobody loses anything that it does not show.
        """
        lease = Lease(self.services, claimed, self.lease_length)
        rows = self._read(claimed)
        # A target is asked about one kind at a time; agencies first, as an account may need the one that is made here.
        for kind in (Kind.AGENCY, Kind.ACCOUNT):
            batch = [row for row in rows if row.key.kind is kind and row.snapshot.desired is not None]
            self._observe(batch)
            made_anew = make_again(self.services, batch)
            batch = [row for row in batch if row not in made_anew]
            self._plan(batch)
            guard(self.services, self.config.target, batch, forecast)
            self._apply(batch, lease)
            self._verify(batch)
        note_locks(self.services, self.config.target, rows, self.lockout)
        note_and_finish(self.services, self.config.target, rows, self.lease_length)
        make_way(self.services, self.config, self.target, rows, lease)
        # Last: a mail about an account is worth nothing before the account is right.
        if self.actions is not None:
            ActionRunner(self.services, self.config.target, self.actions).do_all(rows, lease)
        # Whoever is not among the rows was taken from us before we had read him.
        outcomes: dict[OutboxKey, Outcome] = {row.key: LeaseLostError() for row in claimed}
        return outcomes | {row.key: row.outcome for row in rows}

    def hash_of(self, field_name: str, value: str) -> str:
        return self.services.keys.index(f"sync:{self.config.target.value}:{field_name}", value)

    def _read(self, claimed: Sequence[Claimed]) -> list[Row]:
        """What is wanted, and the number under which: in one snapshot, so that a wish that comes later makes the row
        wait once more instead of being taken for done.
        """
        with self.services.begin(SYSTEM, one_snapshot=True) as work:
            snapshots = read(work, claimed, self.config)
            accounts = [snapshot.account.id for snapshot in snapshots.values() if snapshot.account is not None]
            waiting = (
                work.actions.waiting(accounts, self.config.target) if accounts and self.actions is not None else []
            )
        return [
            Row(row, snapshot, [action for action in waiting if str(action.account_id) == row.key.object_id])
            for row in claimed
            if (snapshot := snapshots.get(row.key)) is not None
        ]

    def _observe(self, rows: Sequence[Row]) -> None:
        """Look for all of them at once: `found` of each is what the target answered."""
        if not rows:
            return
        try:
            answers = self.target.find([row.asked() for row in rows])
        except TargetError as error:
            # There was one question for all of them, so nothing is known of any, and none is parked for it.
            known = isinstance(error, (Transient, Misconfigured))
            outcome = error if known else Transient(error.code, error.detail)
            for row in rows:
                row.outcome = outcome
            return
        for row, answer in zip(rows, answers, strict=True):
            row.found = answer

    def _plan(self, rows: Sequence[Row]) -> None:
        for row in rows:
            if row.outcome is None:
                self._plan_one(row)

    def _plan_one(self, row: Row) -> None:
        # That it is gone is what was wanted of one that goes; with any other a person has to say what was meant (0022).
        answer = None if row.goes and isinstance(row.found, Gone) else row.found
        if isinstance(answer, TargetError):
            row.outcome = answer
            return
        row.observed, row.stood = answer, None if answer is None else answer.remote_id
        row.planned = plan(row.desired, answer, row.snapshot.written_to(answer), self.hash_of)
        # The mark says whose it is, not the name: somebody else's object is left alone (0016).
        if answer is not None and answer.mark != row.desired.mark:
            row.outcome = Conflict(self.config.schema.taken[row.key.kind])
        elif answer is not None and answer.protected and row.planned.steps:
            row.outcome = Refused(Code.PROTECTED_IN_AD)

    def _apply(self, rows: Sequence[Row], lease: Lease) -> None:
        away = False
        for row in rows:
            if row.outcome is not None or not row.planned.steps:
                continue
            if away:
                # Its time-out is not waited for once a row.
                row.outcome = NotReachedError()
                continue
            self._apply_one(row, lease)
            away = isinstance(row.outcome, (Unreachable, Misconfigured))

    def _apply_one(self, row: Row, lease: Lease) -> None:
        for step in row.planned.steps:
            # Before each step: a lane that froze wakes up in the middle of a row that another one has by now (0023).
            if not lease.holds(row.key):
                row.outcome = LeaseLostError()
                return
            try:
                self.target.apply(step, row.desired, row.observed)
            except (Unreachable, Misconfigured) as error:
                row.outcome = error
                return
            except TargetError as error:
                row.failure = row.failure or error
                # What was refused of it may stand there in part; and another worker may have made it just now.
                row.touched = row.touched or isinstance(step, SetFields | Create)
                # A refused value does not stand in the way of the other steps (0022); a missing object does.
                if isinstance(error, Transient) or isinstance(step, Create):
                    break
                continue
            except Exception:
                # A fault of ours with one object must not keep the lane from all others.
                log.exception("failed_unexpectedly", kind=row.key.kind.value, id=row.key.object_id)
                row.outcome = Transient(Code.UNEXPECTED)
                return
            row.touched = True
            row.steps.append(step)
        if not row.touched:
            row.outcome = row.failure

    def _verify(self, rows: Sequence[Row]) -> None:
        """What was written must be there now: a target's "done" is believed when it shows."""
        touched = [row for row in rows if row.touched and row.outcome is None]
        self._observe(touched)
        for row in touched:
            if row.outcome is None:
                self._verify_one(row)

    def _verify_one(self, row: Row) -> None:
        answer = row.found
        if row.goes and (answer is None or isinstance(answer, Gone)):
            row.observed = None
            row.outcome = row.failure
            return
        if not isinstance(answer, Observed):
            row.outcome = row.failure or answer or Transient(Code.UNEXPECTED, "not there after it was written")
            return
        row.observed = answer
        if any(isinstance(step, Delete) for step in row.steps):
            # What had outlived its source made room; what is to stand there now is the next look's.
            row.outcome = Transient(Code.KEYCLOAK_DOES_NOT_SEE, "another stands in its place")
            return
        again = plan(row.desired, answer, {**row.snapshot.written_to(answer), **row.planned.written}, self.hash_of)
        if isinstance(row.failure, Conflict) and Create in map(type, row.planned.steps):
            # It bears our mark: another worker of ours made it.
            row.failure = None
        # Left to the queue, which waits longer each time: a target that says "done" and is not would hold the lane.
        if row.failure is None and again.steps:
            row.outcome = Transient(Code.UNEXPECTED, "not there after it was written")
            return
        written = row.planned.written
        if row.failure is not None:
            # Of a row that failed in part only that is noted as written which shows.
            wanted, there = wanted_values(row.desired), values_there(row.desired, answer)
            written = {name: digest for name, digest in written.items() if wanted[name] == there[name]}
        row.planned = Plan(row.planned.steps, written, again.drift)
