"""The guard: an act is judged and run in one transaction; one that takes too much waits for a system manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from hufu_registry.guard.model import (
    Change,
    Done,
    Held,
    HeldChange,
    HeldMove,
    HeldState,
    Outcome,
    StoredCommand,
    Unconfirmed,
    Verdict,
    grown,
    judge,
    limits_of,
    touched,
)
from hufu_registry.guard.notices import CHANGE_HELD
from hufu_registry.guard.permissions import RELEASE_HELD_CHANGES
from hufu_registry.guard.use_cases.commands import Command
from hufu_registry.guard.use_cases.ports import Work
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.errors import Conflict, Denied, HufuError, Invalid, NotFound
from hufu_registry.kernel.texts import REASON
from hufu_registry.kernel.work import Services
from hufu_registry.rights.use_cases import require_everywhere
from hufu_registry.sync.use_cases.runs import start_bulk_run

SHOWN = 20


def submit(
    command: Command,
    services: Services[Work],
    actor: Actor,
    *,
    confirmed: int | None = None,
) -> Outcome:
    """Do it, or say what it needs; `confirmed` is the number of accounts that whoever asks was shown.

    What breaks a rule is refused at once, also where it would have to wait: the act is then tried and rolled back.
    Without anybody to confirm it (a command) what needs that is held. Raises what the act itself raises.
    """
    try:
        with services.begin(actor) as work:
            command.lock(work)
            changes = command.changes(work)
            cause = command.cause(work)
            verdict = verdict_on(work, changes)
            allowed = verdict is Verdict.ALLOWED or (
                verdict is Verdict.CONFIRM and confirmed is not None and confirmed >= touched(changes)
            )
            # Before the verdict counts: what no rule allows is refused now, and does not wait for a release to be so.
            done = _run(command, cause, changes, work, services, actor)
            if not allowed:
                raise _TriedOnly(verdict, cause, changes)
            return done
    except _TriedOnly as tried:
        if tried.verdict is Verdict.CONFIRM and (actor.account_id is not None or confirmed is not None):
            return Unconfirmed(touched(tried.changes), tuple(tried.changes[:SHOWN]))
        return _hold(command, tried.cause, tried.changes, services, actor)


def release(held_id: UUID, version: int, services: Services[Work], actor: Actor) -> Done:
    """A system manager lets a held act happen, once; it is worked out afresh.

    Raises NotFound("held_change"), IllegalMove("held_change_state"), Conflict("changed_meanwhile"),
    Denied("own_held_change") for whoever asked for it himself where it is too much for one person, and
    Conflict("held_change_grew", count) where it would touch more than its list says: then it has the new list, and
    waits on.

    A rule that refuses it now is raised, and its code kept with the held change. What somebody can mend leaves it held
    (the last manager, a closed agency); what names something that is not there, or was never right, ends it as failed.
    """
    try:
        with services.begin(actor) as work:
            held_change = _to_decide(work, held_id, version)
            command = stored_command(work, held_id)
            # Agencies are locked before grants, as everywhere; nothing has been done yet when the right is asked.
            command.lock(work)
            require_everywhere(work.grants, actor, RELEASE_HELD_CHANGES)
            if held_change.needs_another_than(actor.account_id, limits_of(work.policy)):
                raise Denied("own_held_change")
            released = held_change.moved(HeldMove.RELEASE, now=work.now, by=actor.account_id)
            changes = command.changes(work)
            count = touched(changes)
            has_grown = bool(grown(changes, work.held_changes.changes_of(held_id)))
            if has_grown:
                work.held_changes.replace_changes(held_id, changes)
                _save(work, replace(held_change, count=count), "held_change.grew", old={"count": held_change.count})
            else:
                _save(work, replace(released, count=count, failure=""), "held_change.released")
                try:
                    return _run(command, held_change.cause, changes, work, services, actor)
                except HufuError as fault:
                    raise _RefusedNowError(fault) from fault
    except _RefusedNowError as refused:
        # The refusal took everything back that it was asked in, so its code needs a transaction of its own.
        _note(held_id, version, refused.fault, services, actor)
        raise refused.fault from None
    # Only here, when the new list is stored.
    raise Conflict("held_change_grew", count=count)


def cancel(held_id: UUID, version: int, services: Services[Work], actor: Actor, reason: str) -> None:
    """Throw a held act away; whoever asked for it may, and every system manager.

    Raises Invalid(reason), NotFound("held_change"), IllegalMove("held_change_state"), Conflict("changed_meanwhile").
    """
    why = REASON.checked(reason, "reason")
    with services.begin(actor) as work:
        held_change = _to_decide(work, held_id, version)
        if actor.account_id is None or actor.account_id != held_change.requested_by:
            require_everywhere(work.grants, actor, RELEASE_HELD_CHANGES)
        cancelled = held_change.moved(HeldMove.CANCEL, now=work.now, by=actor.account_id)
        _save(work, replace(cancelled, reason=why), "held_change.cancelled")


def stored_command(work: Work, held_id: UUID) -> Command:
    stored = work.held_changes.command_of(held_id)
    command: Command = work.commands[stored.kind].from_stored(stored.values, stored.files)
    return command


def verdict_on(work: Work, changes: Sequence[Change]) -> Verdict:
    accounts_at = work.held_changes.accounts_at({change.agency_id for change in changes})
    return judge(changes, accounts_at, limits_of(work.policy))


class _TriedOnly(Exception):  # noqa: N818 - no error: it takes the trial back
    def __init__(self, verdict: Verdict, cause: str, changes: Sequence[Change]) -> None:
        super().__init__()
        self.verdict = verdict
        self.cause = cause
        self.changes = changes


class _RefusedNowError(Exception):
    def __init__(self, fault: HufuError) -> None:
        super().__init__()
        self.fault = fault


def _run(
    command: Command,
    cause: str,
    changes: Sequence[Change],
    work: Work,
    services: Services[Work],
    actor: Actor,
) -> Done:
    """What touches more than one account is a run that people can watch."""
    run_id = start_bulk_run(work, services, command.kind, cause) if touched(changes) > 1 else None
    return Done(command.run(work, services, actor), run_id)


def _hold(command: Command, cause: str, changes: Sequence[Change], services: Services[Work], actor: Actor) -> Held:
    # The trial asked for the permission and is rolled back; nobody asks again: this is no act but a wish, with the name
    # of whose it is. Whoever releases it is asked for his own permission at every agency it touches.
    with services.begin(actor) as work:
        held_change = HeldChange(
            id=services.ids.new(),
            kind=command.kind,
            state=HeldState.HELD,
            cause=cause,
            count=touched(changes),
            requested_at=work.now,
            requested_by=actor.account_id,
        )
        work.held_changes.add(held_change, StoredCommand(command.kind, command.values(), command.files()), changes)
        _record(work, "held_change.held", held_change)
        _tell_who_may_release(work, held_change)
    return Held(held_change.id, held_change.count)


def _tell_who_may_release(work: Work, held_change: HeldChange) -> None:
    """All but who asked for it, who knows."""
    values = {"count": str(held_change.count), "held_id": str(held_change.id)}
    for manager in work.accounts.managers_above(None, RELEASE_HELD_CHANGES):
        if manager.account_id != held_change.requested_by:
            work.notices.send(CHANGE_HELD, manager.mailbox, manager.language, values, account_id=manager.account_id)


def _to_decide(work: Work, held_id: UUID, version: int) -> HeldChange:
    """The held change, locked; its state is for the move to check."""
    held_change = work.held_changes.get(held_id)
    if held_change.state is HeldState.HELD and held_change.version != version:
        raise Conflict("changed_meanwhile")
    return held_change


def _note(held_id: UUID, version: int, fault: HufuError, services: Services[Work], actor: Actor) -> None:
    """Remember why it could not be released, unless somebody decided on it meanwhile."""
    with services.begin(actor) as work:
        held_change = work.held_changes.get(held_id)
        if held_change.state is not HeldState.HELD or held_change.version != version:
            return
        noted = replace(held_change, failure=fault.code)
        if isinstance(fault, Invalid | NotFound):
            failed = noted.moved(HeldMove.FAIL, now=work.now, by=actor.account_id)
            _save(work, failed, "held_change.failed", new={"failure": fault.code})
        else:
            _save(work, noted, "held_change.refused", new={"failure": fault.code})


def _save(
    work: Work,
    held_change: HeldChange,
    action: str,
    *,
    old: Mapping[str, object] | None = None,
    new: Mapping[str, object] | None = None,
) -> None:
    saved = replace(held_change, version=held_change.version + 1)
    work.held_changes.save(saved)
    if saved.state is not HeldState.HELD:
        work.bell.settle(CHANGE_HELD.name, str(saved.id))
    _record(work, action, saved, old=old, new=new)


def _record(
    work: Work,
    action: str,
    held_change: HeldChange,
    *,
    old: Mapping[str, object] | None = None,
    new: Mapping[str, object] | None = None,
) -> None:
    shown = {"kind": held_change.kind, "cause": held_change.cause, "count": held_change.count}
    if held_change.reason:
        shown["reason"] = held_change.reason
    work.audit.record(
        action, object_kind="held_change", object_id=str(held_change.id), old=old, new=shown | dict(new or {})
    )
