"""Acts: what happens once, after an account's state is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from hufu_registry.accounts.model import AccountState
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Act, ActKind, ActState
from hufu_sync.errors import Interrupted, Misconfigured, TargetError, Unreachable
from hufu_sync.reading import LeaseLostError, NotReachedError
from hufu_sync.row import Lease, Row
from hufu_sync.targets.port import Directory, SignInServer

DONE = "done"
NOT_NEEDED = "not_needed"


class Doing(Protocol):
    """The acts a target can do."""

    kinds: ClassVar[frozenset[ActKind]]

    def do(self, kind: ActKind, remote_id: str, requested_at: datetime) -> str:
        """Do it; what came of it, in a word. Raises TargetError."""


@dataclass(frozen=True, slots=True)
class DirectoryActs:
    kinds: ClassVar = frozenset({ActKind.UNLOCK, ActKind.MUST_CHANGE, ActKind.RESET_CREDENTIALS})

    directory: Directory | SignInServer

    def do(self, kind: ActKind, remote_id: str, requested_at: datetime) -> str:
        was_needed = True
        if kind is ActKind.UNLOCK:
            self.directory.unlock(remote_id)
        elif kind is ActKind.MUST_CHANGE:
            was_needed = self.directory.must_change(remote_id, requested_at)
        else:
            was_needed = self.directory.reset_credentials(remote_id, requested_at)
        return DONE if was_needed else NOT_NEEDED


@dataclass(frozen=True, slots=True)
class SignInActs:
    kinds: ClassVar = frozenset(ActKind)

    server: SignInServer

    def do(self, kind: ActKind, remote_id: str, requested_at: datetime) -> str:
        if kind in DirectoryActs.kinds:
            return DirectoryActs(self.server).do(kind, remote_id, requested_at)
        if kind is ActKind.END_SESSIONS:
            self.server.end_sessions(remote_id)
        else:
            self.server.send_activation_mail(remote_id)
        return DONE


@dataclass(frozen=True, slots=True)
class Acting:
    services: SqlServices
    target: Target
    doing: Doing

    def do_all(self, rows: Sequence[Row], lease: Lease) -> None:
        """The acts of the rows whose state is right; each row is finished with its last."""
        away = False
        for row in rows:
            if not row.acts or not row.is_settled:
                continue
            if away:
                row.outcome = NotReachedError()
                continue
            try:
                self._do_row(row, lease)
            except (LeaseLostError, TargetError) as error:
                row.outcome = error
                away = isinstance(error, (Unreachable, Misconfigured))

    def _do_row(self, row: Row, lease: Lease) -> None:
        newest = {act.kind: act.number for act in row.acts}
        account = row.snapshot.account
        may_be_activated = account is not None and account.state is AccountState.NOT_ACTIVATED
        for act in row.acts:
            if row.observed is None or (act.kind is ActKind.ACTIVATION_MAIL and not may_be_activated):
                self._close(act, ActState.FAILED, NOT_NEEDED)
            elif act.number != newest[act.kind]:
                self._close(act, ActState.DONE, "merged")
            elif act.kind in self.doing.kinds:
                self._do(act, row.observed.remote_id, row, lease)
        if row.outcome is None:
            with self.services.begin(SYSTEM) as work:
                if not work.queue.finish({row.claimed: row.snapshot.wanted}):
                    raise LeaseLostError

    def _do(self, act: Act, remote_id: str, row: Row, lease: Lease) -> None:
        """Counted before it happens: who finds it counted after a crash knows that it may happen twice."""
        if not lease.holds(row.key):
            raise LeaseLostError
        with self.services.begin(SYSTEM) as work:
            if not work.queue.wanted([row.claimed]):
                raise LeaseLostError
            if not work.acts.begin(act.number):
                return
        try:
            outcome = self.doing.do(act.kind, remote_id, act.requested_at)
        except (Unreachable, Interrupted):
            raise
        except TargetError:
            with self.services.begin(SYSTEM) as work:
                work.acts.take_back(act.number)
            raise
        self._close(act, ActState.DONE, "maybe_repeated" if act.times else outcome, audited=True)

    def _close(self, act: Act, state: ActState, outcome: str, *, audited: bool = False) -> None:
        with self.services.begin(SYSTEM) as work:
            if not work.acts.close(act.number, state, outcome) or not audited:
                return
            if act.kind is ActKind.UNLOCK:
                work.sign_in_locks.unlock(act.account_id, self.target)
            account = work.accounts.get(act.account_id)
            work.audit.record(
                f"account.{act.kind.value}",
                object_kind="account",
                object_id=str(act.account_id),
                agency_id=account.agency_id,
                new={"act": act.number, "target": act.target.value, "outcome": outcome, "times": act.times + 1},
            )
