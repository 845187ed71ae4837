"""After it was done: what the registry remembers of it, and which rows are finished by it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from hufu_registry.accounts.use_cases import otp_is_missing
from hufu_registry.audit.model import Record
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.events import done_in
from hufu_registry.sync.model import Binding, SignInLock
from hufu_registry.sync.model.plan import (
    ENABLED,
    NAME,
    PLACE,
    SECOND_FACTOR,
    Leave,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    Step,
    is_destructive,
)
from hufu_registry.sync.model.plan_file import step_name
from hufu_registry.sync.store import StepDone
from hufu_sync.converge.row import Row
from hufu_sync.desired_state import Snapshot
from hufu_sync.errors import TargetError, Unreachable
from hufu_sync.outcomes import LeaseLostError, NotReadyError

log = structlog.get_logger()

# Where these change in the directory, they change on each account of the agency.
ON_ACCOUNTS = frozenset({"description", "businessCategory"})


def note_and_finish(services: SqlServices, target: Target, rows: Sequence[Row], lease_length: timedelta) -> None:
    """Note what stands there now, and finish the rows of which nothing is left to do, in one transaction: a row is
    never done without its note, and only who still holds the row may write either.
    """
    good = [row for row in rows if row.outcome is None]
    for row in good:
        row.outcome = row.failure or _wait_of(row.snapshot)
    # What surely did not happen gives its place in the hour's limit back; what may have happened keeps it.
    failed = [number for row in rows if row not in good and not _may_have_happened(row) for number in row.noted]
    if not good and not failed:
        return
    with services.begin(SYSTEM) as work:
        work.history.forget(failed)
        ours = _finish(work, good, lease_length)
        for row in good:
            if row.key not in ours:
                row.outcome = LeaseLostError()
        _note(work, services, target, [row for row in good if row.key in ours and row.snapshot.desired is not None])


def _finish(work: SqlWork, rows: Sequence[Row], lease_length: timedelta) -> set[OutboxKey]:
    """Those that were still ours. A row with actions, or with something to wait for, is kept instead."""
    done = [row for row in rows if row.outcome is None and not row.actions]
    kept = [row for row in rows if row not in done]
    ours = set(work.queue.finish({row.claimed: row.snapshot.generation for row in done}))
    return ours | (work.queue.keep([row.claimed for row in kept], lease_length) if kept else frozenset())


def _note(work: SqlWork, services: SqlServices, target: Target, rows: Sequence[Row]) -> None:
    standing = {row: row.observed for row in rows if row.observed is not None and not row.goes}
    gone = [row for row in rows if row.goes and row.observed is None]
    work.bindings.bind(
        {row.key: Binding(observed.remote_id, observed.address, observed.place) for row, observed in standing.items()}
    )
    # Only what was looked for afterwards and is gone: without its binding nobody would find it again to remove it.
    work.bindings.unbind([row.key for row in gone])
    work.written_values.remember({row.key: row.planned.written for row in standing})
    work.drift.remember({row.key: row.planned.drift for row in standing})
    work.history.record([step for row in rows for step in _uncounted(row)])
    work.audit.keep([record for row in rows if (record := _audited(work, row)) is not None])
    for row in standing:
        _follow(work, row)
        if SECOND_FACTOR in row.planned.drift and row.snapshot.account is not None:
            otp_is_missing(work, services, row.snapshot.account.id)
    _leave(work, target, [row for row in rows if row in gone or _has_left(row)])
    if target is Target.AD:
        for row in gone:
            # It was to stay in Keycloak until now.
            work.outbox.enqueue(OutboxKey(Target.KEYCLOAK, row.key.kind, row.key.object_id), bulk=True)


def _uncounted(row: Row) -> Sequence[StepDone]:
    """What the guard has not put into the history already."""
    counted = bool(row.noted)
    return history_of(row.key, [step for step in row.steps if not (counted and is_destructive(step))])


def _audited(work: SqlWork, row: Row) -> Record | None:
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
    action = done_in(row.key.kind, verb, row.key.target)
    return Record(work.now, action, work.actor, row.key.kind.value, row.key.object_id, snapshot.agency_id, {}, new)


def _follow(work: SqlWork, row: Row) -> None:
    """What else changes because this did."""
    snapshot = row.snapshot
    # In Keycloak the claims are read from the group, and nothing of the accounts changes; an agency that was only made
    # now has no accounts there yet.
    renamed = row.key.kind is Kind.AGENCY and snapshot.remote_id is not None and ON_ACCOUNTS & set(row.planned.written)
    if renamed and row.key.target is Target.AD and snapshot.agency_id is not None:
        for account_id in work.agency_tree.accounts_at(snapshot.agency_id):
            work.outbox.enqueue(OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id)), bulk=True)


def _leave(work: SqlWork, target: Target, rows: Sequence[Row]) -> None:
    """What stood last in an agency that nobody needs any more takes the agency with it."""
    left = {row.snapshot.parent_id for row in rows if row.snapshot.parent_id is not None}
    if not left:
        return
    agencies = work.bindings.agencies_of(target, left)
    needed = work.agency_tree.needed(target, [path for _, path in agencies.values()])
    standing = work.bindings.standing_in(target, left)
    for remote_id, (agency_id, path) in agencies.items():
        key = OutboxKey(target, Kind.AGENCY, str(agency_id))
        # Whoever leaves first asks for it, and whoever leaves last asks again: it need not be looked at between.
        if path not in needed and (remote_id not in standing or not work.queue.is_pending(key)):
            work.outbox.enqueue(key, bulk=True)


def note_locks(
    services: SqlServices, target: Target, rows: Sequence[Row], lockout: Callable[[], timedelta | None]
) -> None:
    """Who is locked out, as far as it was seen by the way; whatever else came of his row."""
    locked = {
        row.snapshot.account.id: row.observed.locked_at
        for row in rows
        if row.snapshot.account is not None and row.observed is not None and row.observed.locked_at is not None
    }
    if not locked or target is not Target.AD:
        return
    # Only Active Directory says since when and not until when. Keycloak's locks come with its events.
    try:
        length = lockout()
    except TargetError as error:
        log.info("lockout_unknown", code=error.code.value)
        return
    with services.begin(SYSTEM) as work:
        for account_id, since in locked.items():
            until = None if length is None else since + length
            work.sign_in_locks.lock(account_id, SignInLock(target, since, until))


def history_of(key: OutboxKey, steps: Sequence[Step], *, destructive: bool = False) -> Sequence[StepDone]:
    return [StepDone(key, step_name(step), _fields(step), destructive=destructive) for step in steps]


def _wait_of(snapshot: Snapshot) -> NotReadyError | None:
    return None if snapshot.waits_for is None else NotReadyError(snapshot.waits_for, is_known=snapshot.queue_knows)


def _may_have_happened(row: Row) -> bool:
    # No answer is no refusal: the step may have been taken before the connection broke.
    return row.touched or isinstance(row.outcome, Unreachable)


def _has_left(row: Row) -> bool:
    return row.observed is not None and row.snapshot.parent_id != row.observed.place


def _fields(step: Step) -> tuple[str, ...]:
    if isinstance(step, SetFields):
        return tuple(name for name, _, _ in step.changes)
    aspect = {SetEnabled: ENABLED, Rename: NAME, Place: PLACE, Leave: PLACE}.get(type(step))
    return () if aspect is None else (aspect,)
