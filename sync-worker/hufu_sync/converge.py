"""Bring objects in one target to what the registry says, a batch at a time, and do their acts.

Read, plan, guard, apply, read again, record: one transaction before, one after, and few calls of the target however
many objects there are. What is wrong with one object fails that one. Killed anywhere, the next run finds what is
there and goes on: an object that carries our mark is ours though we never came to note its id, and what was written
is only noted then. A step that failed leaves the others done: it alone is what the row still waits for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import structlog

from hufu_registry.agencies.model import Agency
from hufu_registry.audit.model import Record
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Binding, Claimed, Code, SignInLock
from hufu_registry.sync.model.naming import Sibling, folded, stand_in
from hufu_registry.sync.model.plan import (
    ENABLED,
    NAME,
    PLACE,
    Create,
    Leave,
    Observed,
    Place,
    Plan,
    Rename,
    SetEnabled,
    SetFields,
    Step,
    is_destructive,
    plan,
    values_there,
    wanted_values,
)
from hufu_registry.sync.model.plan_file import Forecast, step_name
from hufu_registry.sync.store.records import StepDone
from hufu_sync.desired_state import (
    LeaseLostError,
    NotForetoldError,
    NotReachedError,
    NotReadyError,
    Snapshot,
    TargetConfig,
    read,
)
from hufu_sync.errors import Conflict, Gone, Limited, Misconfigured, Refused, TargetError, Transient, Unreachable
from hufu_sync.one_time_actions import ActionPort, ActionRunner
from hufu_sync.row import Lease, Outcome, Row
from hufu_sync.targets.port import Found, StateTarget

log = structlog.get_logger()

HOUR = timedelta(hours=1)
# A row that came late for this hour's destructive steps looks again at the earliest then.
LIMITED_AT_LEAST = timedelta(minutes=1)
# Where these change in the directory, they change on each account of the agency.
ON_ACCOUNTS = frozenset({"description", "businessCategory"})


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
        for kind in (Kind.AGENCY, Kind.ACCOUNT):
            batch = [row for row in rows if row.key.kind is kind and row.snapshot.desired is not None]
            if batch:
                self._bring(batch, lease, forecast)
        self._note_locks(rows)
        self._record(rows)
        self._make_way(rows, lease)
        if self.actions is not None:
            ActionRunner(self.services, self.config.target, self.actions).do_all(rows, lease)
        outcomes: dict[OutboxKey, Outcome] = {row.key: LeaseLostError() for row in claimed}
        return outcomes | {row.key: row.outcome for row in rows}

    def _read(self, claimed: Sequence[Claimed]) -> list[Row]:
        with self.services.begin(SYSTEM) as work:
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

    # Read, plan, guard, apply, read again.

    def _bring(self, rows: Sequence[Row], lease: Lease, forecast: Forecast | None) -> None:
        for row, found in self._find(rows):
            self._plan(row, found)
        self._guard([row for row in rows if row.outcome is None], forecast)
        away = False
        for row in rows:
            if row.outcome is not None or not row.planned.steps:
                continue
            if away:
                row.outcome = NotReachedError()
                continue
            self._apply(row, lease)
            away = isinstance(row.outcome, (Unreachable, Misconfigured))
        for row, found in self._find([row for row in rows if row.touched and row.outcome is None]):
            self._check(row, found)

    def _find(self, rows: Sequence[Row]) -> Sequence[tuple[Row, Found]]:
        """Those that could be looked for."""
        if not rows:
            return []
        try:
            return list(zip(rows, self.target.find([row.asked() for row in rows]), strict=True))
        except TargetError as error:
            for row in rows:
                row.outcome = error
        return []

    def _plan(self, row: Row, found: Found) -> None:
        if row.goes and isinstance(found, Gone):
            found = None
        if isinstance(found, TargetError):
            row.outcome = found
            return
        row.observed, row.stood = found, None if found is None else found.remote_id
        row.planned = plan(row.desired, found, row.snapshot.written_to(found), self.hash_of)
        if found is not None and found.mark != row.desired.mark:
            row.outcome = Conflict(Code.NAME_TAKEN_IN_AD if row.key.kind is Kind.ACCOUNT else Code.OU_TAKEN)
        elif found is not None and found.protected and row.planned.steps:
            row.outcome = Refused(Code.PROTECTED_IN_AD)

    def _guard(self, rows: Sequence[Row], forecast: Forecast | None) -> None:
        """Nobody loses what a person has not seen, nor too many within an hour; counted before it happens."""
        losing: list[tuple[Row, list[Step]]] = []
        for row in rows:
            steps = [step for step in row.planned.steps if is_destructive(step)]
            if row.desired.for_security:
                continue
            if forecast is not None and not all(forecast.allows(row.key, step) for step in steps):
                row.outcome = NotForetoldError()
            elif steps:
                losing.append((row, steps))
        if not losing:
            return
        target, limit = self.config.target, self.services.policy.destructive_steps_per_hour
        with self.services.begin(SYSTEM) as work:
            records, since = work.sync_records, work.now - HOUR
            records.lock_destructive(target)
            counted = records.destructive_since(target, since)
            for row, steps in losing:
                # One object's steps are done together or not at all, though they alone be more than the limit.
                if counted and counted + len(steps) > limit:
                    frees = records.oldest_destructive(target, since, max(0, counted + len(steps) - limit - 1))
                    row.outcome = Limited(max(work.now + LIMITED_AT_LEAST, (frees or work.now) + HOUR))
                    continue
                row.noted = records.record_steps(_history(row.key, steps, destructive=True))
                counted += len(steps)

    def _apply(self, row: Row, lease: Lease) -> None:
        for step in row.planned.steps:
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
                if isinstance(error, Transient) or isinstance(step, Create):
                    break
                continue
            except Exception:
                log.exception("failed_unexpectedly", kind=row.key.kind.value, id=row.key.object_id)
                row.outcome = Transient(Code.UNEXPECTED)
                return
            row.touched = True
            row.steps.append(step)
        if not row.touched:
            row.outcome = row.failure

    def _check(self, row: Row, found: Found) -> None:
        """What was written must be there now."""
        if row.goes and (found is None or isinstance(found, Gone)):
            row.observed = None
            row.outcome = row.failure
            return
        if not isinstance(found, Observed):
            row.outcome = row.failure or found or Transient(Code.UNEXPECTED, "not there after it was written")
            return
        row.observed = found
        again = plan(row.desired, found, {**row.snapshot.written_to(found), **row.planned.written}, self.hash_of)
        if isinstance(row.failure, Conflict) and Create in map(type, row.planned.steps):
            # It bears our mark: another worker of ours made it.
            row.failure = None
        if row.failure is None and again.steps:
            row.outcome = Transient(Code.UNEXPECTED, "not there after it was written")
            return
        written = row.planned.written
        if row.failure is not None:
            wanted, there = wanted_values(row.desired), values_there(row.desired, found)
            written = {name: digest for name, digest in written.items() if wanted[name] == there[name]}
        row.planned = Plan(row.planned.steps, written, again.drift)

    def hash_of(self, field_name: str, value: str) -> str:
        return self.services.keys.index(f"sync:{self.config.target.value}:{field_name}", value)

    # Record.

    def _record(self, rows: Sequence[Row]) -> None:
        """Note what stands there now, and finish the rows of which nothing is left to do."""
        good = [row for row in rows if row.outcome is None]
        for row in good:
            row.outcome = row.failure or _wait_of(row.snapshot)
        failed = [number for row in rows if row not in good and not _may_have_happened(row) for number in row.noted]
        if not good and not failed:
            return
        done = [row for row in good if row.outcome is None and not row.actions]
        with self.services.begin(SYSTEM) as work:
            work.sync_records.forget_steps(failed)
            ours = set(work.queue.finish({row.claimed: row.snapshot.generation for row in done}))
            kept = [row for row in good if row not in done]
            ours |= work.queue.keep([row.claimed for row in kept], self.lease_length) if kept else frozenset()
            for row in good:
                if row.key not in ours:
                    row.outcome = LeaseLostError()
            self._note(work, [row for row in good if row.key in ours and row.snapshot.desired is not None])

    def _note(self, work: SqlWork, rows: Sequence[Row]) -> None:
        records = work.sync_records
        standing = {row: row.observed for row in rows if row.observed is not None and not row.goes}
        gone = [row for row in rows if row.goes and row.observed is None]
        records.bind(
            {
                row.key: Binding(observed.remote_id, observed.address, observed.place)
                for row, observed in standing.items()
            }
        )
        records.unbind([row.key for row in gone])
        records.remember_written({row.key: row.planned.written for row in standing})
        records.remember_drift({row.key: row.planned.drift for row in standing})
        records.record_steps([step for row in rows for step in self._steps_to_note(row)])
        work.audit.keep([record for row in rows if (record := self._audited(work, row)) is not None])
        for row in standing:
            self._follow(work, row)
        self._leave(work, [row for row in rows if row in gone or _has_left(row)])
        if self.config.target is Target.AD:
            for row in gone:
                # It was to stay in Keycloak until now.
                work.outbox.enqueue(OutboxKey(Target.KEYCLOAK, row.key.kind, row.key.object_id), bulk=True)

    def _steps_to_note(self, row: Row) -> Sequence[StepDone]:
        counted = bool(row.noted)
        return _history(row.key, [step for step in row.steps if not (counted and is_destructive(step))])

    def _audited(self, work: SqlWork, row: Row) -> Record | None:
        """What changed in the target, as one record; None where nothing did."""
        snapshot, observed = row.snapshot, row.observed
        changed = {name for step in row.steps for name in _fields(step)} | set(row.planned.written)
        new: dict[str, object]
        if row.goes and observed is None:
            if snapshot.remote_id is None and not row.steps:
                # It was only looked for.
                return None
            verb, new = "removed", {"remote_id": snapshot.remote_id or row.stood}
        elif not row.goes and observed is not None and observed.remote_id != snapshot.remote_id:
            verb, new = "made", {"remote_id": observed.remote_id}
        elif not row.goes and changed:
            verb, new = "changed", {"fields": sorted(changed)}
        else:
            return None
        kind = row.key.kind.value
        action = f"{kind}.{verb}_in_{row.key.target.value}"
        return Record(work.now, action, work.actor, kind, row.key.object_id, snapshot.agency_id, {}, new)

    def _follow(self, work: SqlWork, row: Row) -> None:
        """What else changes because this did."""
        snapshot = row.snapshot
        renamed = (
            row.key.kind is Kind.AGENCY and snapshot.remote_id is not None and ON_ACCOUNTS & set(row.planned.written)
        )
        if renamed and row.key.target is Target.AD and snapshot.agency_id is not None:
            for account_id in work.sync_records.accounts_at(snapshot.agency_id):
                work.outbox.enqueue(OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id)), bulk=True)

    def _note_locks(self, rows: Sequence[Row]) -> None:
        """Who is locked out, as far as it was seen by the way."""
        locked = {
            row.snapshot.account.id: row.observed.locked_at
            for row in rows
            if row.snapshot.account is not None and row.observed is not None and row.observed.locked_at is not None
        }
        if not locked or self.config.target is not Target.AD:
            return
        try:
            length = self.lockout()
        except TargetError as error:
            log.info("lockout_unknown", code=error.code.value)
            return
        with self.services.begin(SYSTEM) as work:
            for account_id, since in locked.items():
                until = None if length is None else since + length
                work.sign_in_locks.lock(account_id, SignInLock(self.config.target, since, until))

    def _leave(self, work: SqlWork, rows: Sequence[Row]) -> None:
        """What stood last in an agency that nobody needs any more takes the agency with it."""
        left = {row.snapshot.parent_id for row in rows if row.snapshot.parent_id is not None}
        if not left:
            return
        records = work.sync_records
        agencies = records.agencies_bound_to(self.config.target, left)
        needed = records.needed(self.config.target, [path for _, path in agencies.values()])
        standing = records.standing_in(self.config.target, left)
        for remote_id, (agency_id, path) in agencies.items():
            key = OutboxKey(self.config.target, Kind.AGENCY, str(agency_id))
            # Whoever leaves first asks for it, and whoever leaves last asks again: it need not be looked at between.
            if path not in needed and (remote_id not in standing or not work.queue.is_pending(key)):
                work.outbox.enqueue(key, bulk=True)

    def _make_way(self, rows: Sequence[Row], lease: Lease) -> None:
        """A name that another agency of ours still bears is free as soon as that one has its new name. Until then
        this one gives up its own, which may be the very one the other waits for.
        """
        renamed = {row.key.object_id for row in rows if any(isinstance(step, Rename) for step in row.planned.steps)}
        for row in rows:
            error = row.outcome
            if row.key.kind is not Kind.AGENCY or not isinstance(error, Conflict) or error.code is not Code.OU_TAKEN:
                continue
            with self.services.begin(SYSTEM) as work:
                agency = work.agencies.get(AgencyId(int(row.key.object_id)))
                siblings = {one.id: one for some in work.sync_records.siblings([agency.parent_id]) for one in some}
                leaving = self._leaving(work, siblings, agency, renamed)
            if leaving is None:
                continue
            row.outcome = NotReadyError(leaving, is_known=False)
            there, aside = row.observed, stand_in(siblings[agency.id])
            if there is not None and there.name != aside and lease.holds(row.key):
                with suppress(TargetError):
                    self.target.apply(Rename(there.name, aside), row.desired, there)

    def _leaving(
        self, work: SqlWork, siblings: Mapping[int, Sibling], agency: Agency, renamed: Collection[str]
    ) -> OutboxKey | None:
        """One beside the agency that stands there and is to have another name, or has just got it."""
        keys = {str(one): OutboxKey(self.config.target, Kind.AGENCY, str(one)) for one in siblings if one != agency.id}
        bound = work.sync_records.bindings(list(keys.values()))
        under_way = work.queue.under_way(self.config.target, Kind.AGENCY, keys)
        younger = {
            str(one.id) for one in siblings.values() if one.id > agency.id and folded(one.name) == folded(agency.name)
        }
        leaving = (keys[one] for one in sorted(keys.keys() & (under_way | younger | set(renamed))))
        return next((key for key in leaving if key in bound), None)


def _wait_of(snapshot: Snapshot) -> NotReadyError | None:
    return None if snapshot.waits_for is None else NotReadyError(snapshot.waits_for, is_known=snapshot.queue_knows)


def _may_have_happened(row: Row) -> bool:
    return row.touched or isinstance(row.outcome, Unreachable)


def _has_left(row: Row) -> bool:
    return row.observed is not None and row.snapshot.parent_id != row.observed.place


def _fields(step: Step) -> tuple[str, ...]:
    if isinstance(step, SetFields):
        return tuple(name for name, _, _ in step.changes)
    aspect = {SetEnabled: ENABLED, Rename: NAME, Place: PLACE, Leave: PLACE}.get(type(step))
    return () if aspect is None else (aspect,)


def _history(key: OutboxKey, steps: Sequence[Step], *, destructive: bool = False) -> list[StepDone]:
    return [StepDone(key, step_name(step), _fields(step), destructive) for step in steps]
