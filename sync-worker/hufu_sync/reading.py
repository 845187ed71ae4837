"""What the registry says about one object, read in one snapshot with the number that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.store import agencies
from hufu_registry.bootstrap import SqlWork
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.sync.model import Claimed
from hufu_registry.sync.model import desired as shapes
from hufu_registry.sync.model.naming import Sibling
from hufu_registry.sync.model.plan import Desired


class LeaseLostError(Exception):
    """Somebody else holds the row now: whatever we were about to record is his to record."""


class NotReadyError(Exception):
    """What the object is to stand in is not there yet."""

    def __init__(self, key: OutboxKey) -> None:
        super().__init__(str(key))
        self.key = key


@dataclass(frozen=True, slots=True)
class Shape:
    """What the wanted objects look like depends on this installation."""

    target: Target
    with_directory: bool
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`desired` is None where the target needs to have nothing."""

    wanted: int
    desired: Desired | None
    remote_id: str | None
    written: Mapping[str, str]
    agency_id: AgencyId | None
    account: Account | None = None


def read(work: SqlWork, claimed: Claimed, shape: Shape) -> Snapshot:
    """Raises LeaseLostError, NotReadyError."""
    work.connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    wanted = work.queue.wanted(claimed)
    if wanted is None:
        raise LeaseLostError
    key = claimed.key
    binding = work.sync_records.binding(key)
    remote_id = None if binding is None else binding.remote_id
    account = None
    if key.kind is Kind.ACCOUNT:
        account = work.accounts.find(AccountId(UUID(key.object_id)))
        wanted_object, agency = _account(work, shape, account, bound=binding is not None)
    else:
        wanted_object, agency = _agency(work, shape, int(key.object_id), bound=binding is not None)
    return Snapshot(
        wanted=wanted,
        desired=wanted_object,
        remote_id=remote_id,
        written=work.sync_records.written(key),
        agency_id=None if agency is None else agency.id,
        account=account,
    )


def _place(work: SqlWork, target: Target, agency_id: AgencyId) -> str:
    key = OutboxKey(target, Kind.AGENCY, str(agency_id))
    binding = work.sync_records.binding(key)
    if binding is None:
        raise NotReadyError(key)
    return binding.remote_id


def _agency(work: SqlWork, shape: Shape, agency_id: int, *, bound: bool) -> tuple[Desired | None, Agency | None]:
    try:
        agency = work.agencies.get(AgencyId(agency_id))
    except NotFound:
        return None, None
    if not bound and not work.sync_records.accounts_below(agency.path.text):
        return None, agency
    parent = None if agency.parent_id is None else _place(work, shape.target, agency.parent_id)
    if shape.target is Target.KEYCLOAK:
        return shapes.agency_in_keycloak(agency, parent), agency
    return shapes.agency_in_directory(agency, _older_siblings(work, agency), parent), agency


def _older_siblings(work: SqlWork, agency: Agency) -> list[Sibling]:
    same_parent = agencies.c.parent_id.is_not_distinct_from(agency.parent_id)
    rows = work.connection.execute(
        sa.select(agencies.c.id, agencies.c.name).where(same_parent, agencies.c.id < agency.id)
    )
    return [Sibling(row.id, row.name) for row in rows]


def _account(
    work: SqlWork, shape: Shape, account: Account | None, *, bound: bool
) -> tuple[Desired | None, Agency | None]:
    if account is None:
        return None, None
    agency = work.agencies.get(account.agency_id)
    if account.state is AccountState.DELETED and not bound:
        return None, agency
    place = _place(work, shape.target, agency.id)
    if shape.target is Target.KEYCLOAK:
        unit_id = account.profile.unit_id
        unit_oid = "" if unit_id is None else work.agencies.get(unit_id).oid or ""
        return (
            shapes.account_in_keycloak(account, unit_oid, place, with_directory=shape.with_directory),
            agency,
        )
    return shapes.account_in_directory(account, agency, place, shape.domain), agency
