"""Keycloak's stored events, polled: the accounts' sign-ins, their locks, the moment when an activation may be
complete, and who signs in before we were done with him.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.use_cases import activate_account
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, OutboxKey, Target
from hufu_registry.propagation.use_cases import enqueue_account
from hufu_registry.sync.model import SignIn, SignInLock
from hufu_sync.errors import Misconfigured, TargetError, Unreachable
from hufu_sync.health import Metrics
from hufu_sync.targets.port import Directory, SignInEvent, SignInServer

log = structlog.get_logger()

FEED = "keycloak-events"
LOCKED_OUT = frozenset({"USER_DISABLED_BY_TEMPORARY_LOCKOUT", "USER_DISABLED_BY_PERMANENT_LOCKOUT"})
SIGNED_IN = "LOGIN"
# What our steps in Keycloak call whoever has no one-time password.
WITHOUT_OTP = "not_activated"
# Events are stored when their request ends, not in the order of their times.
OVERLAP = timedelta(seconds=15)
AT_FIRST = timedelta(days=1)
PAGE = 200


@dataclass(frozen=True, slots=True)
class Feed:
    """`alive` is called after every page."""

    services: SqlServices
    sign_in: SignInServer
    directory: Directory | None
    metrics: Metrics
    alive: Callable[[], None] = lambda: None

    def poll(self) -> int:
        """Keep what is new since the cursor and check whose activation it may complete; how many were new."""
        with self.services.begin(SYSTEM) as work:
            cursor = work.cursors.feed(FEED) or work.now - AT_FIRST
        return self._read_since(cursor - OVERLAP)

    def read_again(self, since: datetime) -> int:
        """The nightly look: whatever a poll may have missed."""
        return self._read_since(since)

    def _read_since(self, since: datetime) -> int:
        new, first = 0, 0
        while True:
            events = self.sign_in.events(since, first=first, limit=PAGE)
            new += self._keep(events)
            self.alive()
            if len(events) < PAGE:
                return new
            first += PAGE

    def _keep(self, events: Sequence[SignInEvent]) -> int:
        if not events:
            return 0
        accounts = self._accounts_of(events)
        with self.services.begin(SYSTEM) as work:
            records = [
                SignIn(
                    event_id=event.id,
                    account_id=accounts[event.user_id],
                    type=event.type,
                    client=event.client,
                    address=event.address,
                    at=event.at,
                    error=event.error,
                )
                for event in events
                if event.user_id in accounts
            ]
            new = work.sign_in_records.keep(records)
            names = {event.client: (event.client_name, event.client_name_en) for event in events if event.client_name}
            if names:
                work.sign_in_records.name_clients(names)
            waiting = work.sign_in_records.not_activated_among({record.account_id for record in records})
            self._hurry(
                work, {record.account_id for record in records if record.event_id in new and record.type == SIGNED_IN}
            )
            self._look_at(
                work,
                {record.account_id for record in records if record.event_id in new and record.error == WITHOUT_OTP},
            )
        # Known events count, too, and the cursor moves last: a check that failed is repeated.
        self._keep_locks(events, accounts)
        for account_id in waiting:
            self.try_activation(account_id)
        with self.services.begin(SYSTEM) as work:
            work.cursors.move_feed(FEED, events[-1].at)
        self.metrics.events.inc(len(new))
        return len(new)

    def _accounts_of(self, events: Sequence[SignInEvent]) -> Mapping[str, AccountId]:
        """The bound accounts by user id. Whoever is ours and not bound yet is wanted at once: he is at the door."""
        users = {event.user_id for event in events if event.user_id}
        with self.services.begin(SYSTEM) as work:
            accounts = work.bindings.accounts_of(Target.KEYCLOAK, users)
        for user_id in sorted(users - accounts.keys()):
            text = self.sign_in.account_of(user_id)
            if text is not None:
                with self.services.begin(SYSTEM) as work:
                    self._enqueue(work, text)
        return accounts

    def _enqueue(self, work: SqlWork, account_id: str) -> None:
        try:
            account = work.accounts.find(AccountId(UUID(account_id)))
        except ValueError:
            return
        if account is not None and account.state is not AccountState.DELETED:
            log.info("wanted_by_sign_in", id=account_id)
            enqueue_account(work, self.services, account)

    def _hurry(self, work: SqlWork, account_ids: Collection[AccountId]) -> None:
        """What is still to be done for somebody who just signed in overtakes what waits for nobody."""
        for account_id in sorted(account_ids):
            keys = [OutboxKey(target, Kind.ACCOUNT, str(account_id)) for target in STATE_TARGETS]
            if any(work.queue.is_pending(key) for key in keys):
                enqueue_account(work, self.services, work.accounts.get(account_id))

    def _look_at(self, work: SqlWork, account_ids: Collection[AccountId]) -> None:
        """Who should have a one-time password and was refused for want of one is not left until the next comparison."""
        for account in work.accounts.several(account_ids).values():
            if account.needs_otp:
                work.outbox.enqueue(OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(account.id)))

    def _keep_locks(self, events: Sequence[SignInEvent], accounts: Mapping[str, AccountId]) -> None:
        """Keycloak says that it locked somebody, and when asked, until when; who signs in is not locked."""
        locking = [event for event in events if event.type in LOCKED_OUT or event.type == SIGNED_IN]
        last = {accounts[event.user_id]: event for event in locking if event.user_id in accounts}
        if not last:
            return
        locked = {
            account_id: self.sign_in.lock_of(event.user_id)
            for account_id, event in last.items()
            if event.type in LOCKED_OUT
        }
        with self.services.begin(SYSTEM) as work:
            known = work.comparison.locks(Target.KEYCLOAK, last)
            for account_id in sorted(last):
                lock = locked.get(account_id)
                if lock is not None:
                    work.sign_in_locks.lock(account_id, SignInLock(Target.KEYCLOAK, lock.since, lock.until))
                elif account_id in known:
                    work.sign_in_locks.unlock(account_id, Target.KEYCLOAK)

    def try_activation(self, account_id: AccountId) -> None:
        """Check it, unless what is wrong is wrong with this one alone: that must not hold up everybody's sign-ins.

        The nightly look asks for it again.
        """
        try:
            self.check_activation(account_id)
        except (Unreachable, Misconfigured):
            raise
        except TargetError as error:
            log.warning("not_checked", id=str(account_id), code=error.code.value)

    def check_activation(self, account_id: AccountId) -> bool:
        """未啟用 becomes 啟用 once the person has a one-time password and a password of his own."""
        with self.services.begin(SYSTEM) as work:
            account = work.accounts.find(account_id)
            if account is None or account.state is not AccountState.NOT_ACTIVATED:
                return False
            bindings = {
                target: work.bindings.find(OutboxKey(target, Kind.ACCOUNT, str(account_id)))
                for target in (Target.KEYCLOAK, Target.AD)
            }
        in_keycloak, in_directory = bindings[Target.KEYCLOAK], bindings[Target.AD]
        if in_keycloak is None:
            return False
        credentials = self.sign_in.credentials(in_keycloak.remote_id)
        if self.directory is None:
            has_password = credentials.password
        else:
            has_password = in_directory is not None and self.directory.password_is_set(in_directory.remote_id)
        if not (credentials.otp and has_password):
            return False
        activated = activate_account(account_id, self.services, SYSTEM)
        if activated:
            log.info("activated", id=str(account_id))
        return activated
