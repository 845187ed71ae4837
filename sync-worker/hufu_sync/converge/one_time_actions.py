"""One-time actions: what happens once, after an account's state is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, Protocol

from hufu_registry.accounts.model import AccountState
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.outbox import Target
from hufu_registry.propagation.model import ActionKind, ActionState, OneTimeAction
from hufu_registry.sync.events import acted
from hufu_registry.sync.model.desired import MAILBOX_FIELD
from hufu_sync.converge.making_again import FOUND
from hufu_sync.converge.row import Lease, Row
from hufu_sync.errors import Interrupted, Misconfigured, Refused, TargetError, Unreachable
from hufu_sync.outcomes import LeaseLostError, NotReachedError
from hufu_sync.targets.port import Directory, SignInServer

# A link is good in one state of the account.
MAILED_IN = MappingProxyType(
    {ActionKind.ACTIVATION_MAIL: AccountState.NOT_ACTIVATED, ActionKind.OTP_MAIL: AccountState.ENABLED}
)
DONE = "done"
NOT_NEEDED = "not_needed"


class ActionPort(Protocol):
    """Those a target can do."""

    kinds: ClassVar[frozenset[ActionKind]]

    def do(self, kind: ActionKind, remote_id: str, requested_at: datetime) -> str:
        """Do it; what came of it, in a word. Raises TargetError."""


@dataclass(frozen=True, slots=True)
class DirectoryActions:
    kinds: ClassVar = frozenset({ActionKind.UNLOCK, ActionKind.MUST_CHANGE, ActionKind.RESET_CREDENTIALS})

    directory: Directory | SignInServer

    def do(self, kind: ActionKind, remote_id: str, requested_at: datetime) -> str:
        was_needed = True
        if kind is ActionKind.UNLOCK:
            self.directory.unlock(remote_id)
        elif kind is ActionKind.MUST_CHANGE:
            was_needed = self.directory.must_change(remote_id, requested_at)
        else:
            was_needed = self.directory.reset_credentials(remote_id, requested_at)
        return DONE if was_needed else NOT_NEEDED


@dataclass(frozen=True, slots=True)
class SignInActions:
    kinds: ClassVar = frozenset(ActionKind) - {ActionKind.MAKE_AGAIN}

    server: SignInServer

    def do(self, kind: ActionKind, remote_id: str, requested_at: datetime) -> str:
        if kind in DirectoryActions.kinds:
            return DirectoryActions(self.server).do(kind, remote_id, requested_at)
        if kind is ActionKind.END_SESSIONS:
            self.server.end_sessions(remote_id)
        elif kind is ActionKind.OTP_MAIL:
            self.server.send_otp_mail(remote_id)
        else:
            self.server.send_activation_mail(remote_id)
        return DONE


@dataclass(frozen=True, slots=True)
class ActionRunner:
    services: SqlServices
    target: Target
    actions: ActionPort

    def do_all(self, rows: Sequence[Row], lease: Lease) -> None:
        """Those of the rows whose state is right; each row is finished with its last."""
        away = False
        for row in rows:
            if not row.actions or not row.is_settled:
                continue
            if away:
                row.outcome = NotReachedError()
                continue
            try:
                self._do_row(row, lease)
            except (LeaseLostError, TargetError) as error:
                away = isinstance(error, (Unreachable, Misconfigured))
                if not (isinstance(error, Refused) and row.refused):
                    row.outcome = error

    def _do_row(self, row: Row, lease: Lease) -> None:
        newest = {action.kind: action.number for action in row.actions}
        account = row.snapshot.account
        state = None if account is None else account.state
        for action in row.actions:
            # By now activated or disabled: its link would be refused at the first click (0006), or open too much.
            if row.observed is None or MAILED_IN.get(action.kind, state) is not state:
                self._close(action, ActionState.FAILED, NOT_NEEDED)
            elif action.kind is ActionKind.MAKE_AGAIN:
                # It stands there after all.
                self._close(action, ActionState.FAILED, FOUND)
            # The newest does for all of its kind: nobody needs two mails.
            elif action.number != newest[action.kind]:
                self._close(action, ActionState.DONE, "merged")
            # A mail would go to the mailbox that is to be corrected, or to none (0051): it waits for the right one.
            elif action.kind in self.actions.kinds and not (action.kind in MAILED_IN and MAILBOX_FIELD in row.refused):
                self._do(action, row.observed.remote_id, row, lease)
        if row.outcome is None:
            with self.services.begin(SYSTEM) as work:
                if not work.queue.finish({row.claimed: row.snapshot.generation}):
                    raise LeaseLostError

    def _do(self, action: OneTimeAction, remote_id: str, row: Row, lease: Lease) -> None:
        """Counted before it happens: who finds it counted after a crash knows that it may happen twice."""
        if not lease.holds(row.key):
            raise LeaseLostError
        with self.services.begin(SYSTEM) as work:
            if not work.queue.generations([row.claimed]):
                raise LeaseLostError
            if not work.actions.begin(action.number):
                return
        try:
            outcome = self.actions.do(action.kind, remote_id, action.requested_at)
        except (Unreachable, Interrupted):
            # It may have happened: the try stays counted, so that doing it again is told as "maybe repeated".
            raise
        except TargetError:
            with self.services.begin(SYSTEM) as work:
                work.actions.take_back(action.number)
            raise
        self._close(action, ActionState.DONE, "maybe_repeated" if action.times else outcome, audited=True)

    def _close(self, action: OneTimeAction, state: ActionState, outcome: str, *, audited: bool = False) -> None:
        with self.services.begin(SYSTEM) as work:
            if not work.actions.close(action.number, state, outcome) or not audited:
                return
            if action.kind is ActionKind.UNLOCK:
                work.sign_in_locks.unlock(action.account_id, self.target)
            account = work.accounts.get(action.account_id)
            work.audit.record(
                acted(action.kind),
                object_kind="account",
                object_id=str(action.account_id),
                agency_id=account.agency_id,
                new={
                    "action": action.number,
                    "target": action.target.value,
                    "outcome": outcome,
                    "times": action.times + 1,
                },
            )
