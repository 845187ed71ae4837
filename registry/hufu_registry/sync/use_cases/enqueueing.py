"""Telling the targets to follow, within somebody else's transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from uuid import UUID

from hufu_registry.accounts.model import Account
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.work import Services
from hufu_registry.sync.model import ActionKind, Run, RunKind, action_targets
from hufu_registry.sync.use_cases.ports import Work


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
    chain = [OutboxKey(target, Kind.AGENCY, str(one.id)) for target in targets(services) for one in above]
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


def start_bulk_run(
    work: Work, services: Services[Work], cause: str, note: str, *, agency_id: AgencyId | None = None
) -> UUID:
    """From here everything this transaction wants is one run that people can watch."""
    run = new_run(work, services, RunKind.BULK, cause)
    work.runs.start(replace(run, note=note, agency_id=agency_id))
    return run.id


def new_run(work: Work, services: Services[Work], kind: RunKind, cause: str, target: Target | None = None) -> Run:
    return Run(
        id=services.ids.new(),
        kind=kind,
        target=target,
        cause=cause,
        started_at=work.now,
        finished_at=None,
        objects=0,
        done=0,
        differing=0,
        failed=0,
        requested_by=work.actor.account_id,
    )
