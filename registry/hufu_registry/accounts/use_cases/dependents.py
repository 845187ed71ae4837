"""What agencies bring about for the accounts that stand there."""

from __future__ import annotations

from collections.abc import Collection

from hufu_registry.accounts.use_cases.ports import Work
from hufu_registry.agencies.model import Agency
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import OutboxKey
from hufu_registry.kernel.work import Services
from hufu_registry.propagation.use_cases import enqueue_accounts


def places_of_accounts(work: Work, agency_ids: Collection[AgencyId]) -> Collection[AgencyId]:
    return work.accounts.places_among(agency_ids)


def hand_over_accounts(work: Work, services: Services[Work], agency: Agency, successor: Agency) -> int:
    """All of the agency's become its successor's; within the merge's transaction."""
    account_ids = work.accounts.hand_over(agency.id, successor)
    for account_id in account_ids:
        work.audit.record(
            "account.transferred",
            object_kind="account",
            object_id=str(account_id),
            agency_id=successor.id,
            old={"agency_id": agency.id},
            new={"agency_id": successor.id},
        )
    enqueue_accounts(work, services, successor.id, account_ids, bulk=True)
    return len(account_ids)


def rename_unit_of_accounts(work: Work, unit_id: AgencyId, name: str) -> Collection[OutboxKey]:
    return work.accounts.unit_renamed(unit_id, name)
