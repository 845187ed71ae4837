"""Held changes, and whether anything changed besides."""

from __future__ import annotations

import sqlalchemy as sa

from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.guard.model import Done, Held, HeldChange
from hufu_registry.guard.store import held_change_of
from hufu_registry.guard.use_cases import RenameAgency, TransferAccounts, submit
from hufu_registry.kernel.actor import Actor
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Target
from tests.kit.staff import Staff


def rename_of(agency: Agency, staff: Staff, name: str = "新部") -> RenameAgency:
    return RenameAgency(agency.id, agency.version, name, staff.today)


def transfer_account(account_id: AccountId, agency_id: AgencyId, services: SqlServices, actor: Actor) -> None:
    """By the door that pages use; one account is never held."""
    done = submit(TransferAccounts((account_id,), agency_id), services, actor)
    assert isinstance(done, Done), done


def held_change_in(services: SqlServices, held: object) -> HeldChange:
    assert isinstance(held, Held), held
    with services.read() as connection:
        return held_change_of(connection, held.held_id)


def everything(services: SqlServices) -> dict[str, list[tuple[object, ...]]]:
    """Whatever an act could have changed; that it is held is mailed."""
    with services.read() as connection:
        return {
            table: [
                tuple(row)
                for row in connection.execute(sa.text(f"SELECT * FROM {table} ORDER BY 1, 2, 3"))
                if row[0] != Target.MAIL.value
            ]
            for table in (
                "agencies",
                "accounts",
                "grants",
                "cases",
                "outbox",
                "one_time_actions",
                "agency_names",
                "sync_runs",
            )
        }
