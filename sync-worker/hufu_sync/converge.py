"""Bring one object in one target to what the registry says, and do its acts.

Read, plan, apply, read again, record. Killed anywhere, the next run finds what is there and goes on: an object
that carries our mark is ours though we never came to note its id, and what was written is only noted then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from hufu_registry.accounts.model import AccountState
from hufu_registry.bootstrap import SqlServices, SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Act, ActKind, ActState, Binding, Claimed, Code
from hufu_registry.sync.model.plan import NAME, Desired, Observed, Place, Plan, Rename, Step, plan
from hufu_sync.errors import TargetError, Transient, Unreachable
from hufu_sync.reading import LeaseLostError, Shape, Snapshot, read
from hufu_sync.targets.port import SignInServer, StateTarget

SUPPORTED_ACTS = frozenset({ActKind.ACTIVATION_MAIL, ActKind.END_SESSIONS})


@dataclass(slots=True)
class Lease:
    """Kept alive while the work goes on; who lost it must not write any more."""

    services: SqlServices
    claimed: Claimed
    length: timedelta
    kept_at: float

    def keep(self) -> None:
        if monotonic() - self.kept_at < self.length.total_seconds() / 3:
            return
        with self.services.begin(SYSTEM) as work:
            if not work.queue.keep(self.claimed, self.length):
                raise LeaseLostError
        self.kept_at = monotonic()


@dataclass(frozen=True, slots=True)
class Converger:
    """`shape.target` is what `target` talks to; `acts` is the same where it can do acts."""

    services: SqlServices
    shape: Shape
    target: StateTarget
    acts: SignInServer | None
    lease_length: timedelta

    def converge(self, claimed: Claimed) -> None:
        """Raises TargetError, LeaseLostError, NotReadyError; returns when the row is done."""
        lease = Lease(self.services, claimed, self.lease_length, monotonic())
        with self.services.begin(SYSTEM) as work:
            snapshot = read(work, claimed, self.shape)
        if snapshot.desired is None:
            with self.services.begin(SYSTEM) as work:
                self._finish(work, claimed, snapshot)
            return
        remote_id = self._bring(snapshot.desired, snapshot, claimed, lease)
        if self.acts is not None and claimed.key.kind is Kind.ACCOUNT and snapshot.account is not None:
            self._do_acts(self.acts, remote_id, snapshot, claimed, lease)
        with self.services.begin(SYSTEM) as work:
            self._finish(work, claimed, snapshot)

    def _bring(self, desired: Desired, snapshot: Snapshot, claimed: Claimed, lease: Lease) -> str:
        observed = self.target.find(desired, snapshot.remote_id)
        planned = plan(desired, observed, snapshot.written, self._hash)
        observed = self._apply(desired, observed, planned.steps, lease)
        with self.services.begin(SYSTEM) as work:
            if not work.queue.keep(claimed, self.lease_length):
                raise LeaseLostError
            self._record(work, claimed.key, observed, planned, snapshot)
        return observed.remote_id

    def _apply(self, desired: Desired, observed: Observed | None, steps: tuple[Step, ...], lease: Lease) -> Observed:
        remote_id = None if observed is None else observed.remote_id
        for step in steps:
            lease.keep()
            remote_id = self.target.apply(step, desired, observed)
            if isinstance(step, Rename | Place):
                # Its address has changed.
                observed = self.target.find(desired, remote_id)
        if steps or observed is None:
            observed = self.target.find(desired, remote_id)
        if observed is None:
            raise Transient(Code.UNEXPECTED, "not there after it was written")
        return observed

    def _record(self, work: SqlWork, key: OutboxKey, observed: Observed, planned: Plan, snapshot: Snapshot) -> None:
        records = work.sync_records
        known = records.binding(key)
        records.bind(key, Binding(observed.remote_id, observed.address))
        records.remember_written(key, planned.written)
        records.remember_drift(key, planned.drift)
        if known is None or planned.written or planned.steps:
            made = known is None or known.remote_id != observed.remote_id
            work.audit.record(
                f"{key.kind.value}.{'made' if made else 'changed'}_in_{key.target.value}",
                object_kind=key.kind.value,
                object_id=key.object_id,
                agency_id=snapshot.agency_id,
                new={"remote_id": observed.remote_id} if made else {"fields": sorted(planned.written)},
            )
        renamed = key.kind is Kind.AGENCY and known is not None and NAME in planned.written
        if renamed and key.target is Target.AD and snapshot.agency_id is not None:
            # The agency's name stands on each of its accounts there.
            for account_id in records.accounts_at(snapshot.agency_id):
                work.outbox.want(OutboxKey(Target.AD, Kind.ACCOUNT, str(account_id)), bulk=True)

    def _hash(self, field: str, value: str) -> str:
        return self.services.keys.index(f"sync:{self.shape.target.value}:{field}", value)

    def _finish(self, work: SqlWork, claimed: Claimed, snapshot: Snapshot) -> None:
        if not work.queue.finish(claimed, snapshot.wanted):
            raise LeaseLostError

    def _do_acts(
        self, server: SignInServer, remote_id: str, snapshot: Snapshot, claimed: Claimed, lease: Lease
    ) -> None:
        account = snapshot.account
        if account is None:
            return
        with self.services.begin(SYSTEM) as work:
            waiting = [act for act in work.acts.waiting(account.id) if act.kind in SUPPORTED_ACTS]
        newest = {act.kind: act.number for act in waiting}
        for act in waiting:
            if act.number != newest[act.kind]:
                self._close(act, ActState.DONE, "merged")
            elif act.kind is ActKind.ACTIVATION_MAIL and account.state is not AccountState.NOT_ACTIVATED:
                self._close(act, ActState.FAILED, "not_needed")
            else:
                lease.keep()
                self._do(server, remote_id, act, claimed)

    def _do(self, server: SignInServer, remote_id: str, act: Act, claimed: Claimed) -> None:
        """Counted before it happens: who finds it counted after a crash knows that it may happen twice."""
        with self.services.begin(SYSTEM) as work:
            if work.queue.wanted(claimed) is None:
                raise LeaseLostError
            if not work.acts.begin(act.number):
                return
        try:
            if act.kind is ActKind.ACTIVATION_MAIL:
                server.send_activation_mail(remote_id)
            else:
                server.end_sessions(remote_id)
        except Unreachable:
            raise
        except TargetError:
            with self.services.begin(SYSTEM) as work:
                work.acts.take_back(act.number)
            raise
        self._close(act, ActState.DONE, "done" if act.times == 0 else "maybe_repeated", audited=True)

    def _close(self, act: Act, state: ActState, outcome: str, *, audited: bool = False) -> None:
        with self.services.begin(SYSTEM) as work:
            if work.acts.close(act.number, state, outcome) and audited:
                account = work.accounts.get(AccountId(act.account_id))
                work.audit.record(
                    f"account.{act.kind.value}",
                    object_kind="account",
                    object_id=str(act.account_id),
                    agency_id=account.agency_id,
                    new={"act": act.number, "outcome": outcome, "times": act.times + 1},
                )
