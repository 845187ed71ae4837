"""Asking the targets to follow a change, within the transaction that makes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import hufu_registry.agencies.use_cases as agencies
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.model import ActionKind, ActionState, OneTimeAction, action_targets


class Actions(Protocol):
    def request(self, kind: ActionKind, account_id: AccountId, target: Target) -> int:
        """Store the act and return its number; the worker finds it with the account's row for that target."""

    def requested_since(self, kind: ActionKind, account_id: AccountId, since: datetime) -> Sequence[datetime]:
        """How many acts of the kind were requested since, and when the last one was."""

    def waiting(self, account_ids: Collection[AccountId], target: Target) -> Sequence[OneTimeAction]:
        """The acts still to be done in a target for these accounts, in order."""

    def begin(self, number: int) -> bool:
        """Count one more try of an act that may have an effect; false when it is no longer waiting."""

    def take_back(self, number: int) -> None:
        """The try surely had no effect: do not count it."""

    def close(self, number: int, state: ActionState, outcome: str) -> bool:
        """Store what came of a waiting act; false when it was closed already."""


class Standing(Protocol):
    """What the sync engine knows to stand in the targets."""

    def vanished(self, keys: Collection[OutboxKey]) -> Sequence[OutboxKey]:
        """Those whose work is done and of which nothing stands in the target."""

    def refuses_mailbox(self, account_id: AccountId) -> bool:
        """Whether the account waits because the sign-in server does not take its backup mailbox."""


class Work(agencies.Work, Protocol):
    @property
    def actions(self) -> Actions: ...
    @property
    def administration(self) -> Standing: ...


class Account(Protocol):
    """What has to be known of an account."""

    @property
    def id(self) -> AccountId: ...
    @property
    def agency_id(self) -> AgencyId: ...


def targets(services: Services[Work]) -> tuple[Target, ...]:
    return (Target.AD, Target.KEYCLOAK) if services.policy.with_directory else (Target.KEYCLOAK,)


def enqueue_account(work: Work, services: Services[Work], account: Account, *, bulk: bool = False) -> None:
    """The targets must follow this account; agencies that are not there yet, or no more, are made first."""
    enqueue_accounts(work, services, account.agency_id, [account.id], bulk=bulk)


def enqueue_accounts(
    work: Work, services: Services[Work], agency_id: AgencyId, account_ids: Collection[AccountId], *, bulk: bool
) -> None:
    """The same for any number of accounts of one agency."""
    above = work.agencies.ancestors(agency_id)
    chain = [OutboxKey(target, Kind.AGENCY, str(agency.id)) for target in targets(services) for agency in above]
    for key in chain:
        work.outbox.ensure(key)
    for key in work.administration.vanished(chain):
        work.outbox.enqueue(key)
    for target in targets(services):
        for account_id in account_ids:
            work.outbox.enqueue(OutboxKey(target, Kind.ACCOUNT, str(account_id)), bulk=bulk)


def enqueue_agencies(work: Work, agency_ids: Collection[AgencyId], *, bulk: bool = True) -> None:
    """The targets must look at these agencies again: what nobody needs any more goes."""
    for key in work.agencies.outbox_keys(agency_ids):
        work.outbox.enqueue(key, bulk=bulk)


def request_action(work: Work, services: Services[Work], kind: ActionKind, account_id: AccountId) -> None:
    """Ask for an act in every target it concerns. The caller wants the account as well."""
    for target in action_targets(kind, with_directory=services.policy.with_directory):
        work.actions.request(kind, account_id, target)
