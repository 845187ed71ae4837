"""Agencies below 行政院 in a registry of one's own: made by lists and by hand, and looked at."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.agencies.model import Agency, AgencyKind, ImportReport, derive
from hufu_registry.agencies.store import agencies, search
from hufu_registry.agencies.use_cases import (
    AddUnit,
    Close,
    ImportList,
    Move,
    Rename,
    add_unit,
    close,
    import_list,
    move,
    rename,
)
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.ids import AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from hufu_registry.notices.store import SEALED_AS, notices
from tests.kit.clocks import SetClock

CHAIN = """OrgName,OID,TEL,Address,DN,OrgCode
測試院,2.16.886.101.29999,,,"o=測試院,c=TW",Z00000000Z
測試部,2.16.886.101.29999.20001,,,"ou=測試部,o=測試院,c=TW",Z01000000Z
測試署,2.16.886.101.29999.20001.20001,,,"ou=測試署,ou=測試部,o=測試院,c=TW",
測試隊,2.16.886.101.29999.20001.20001.20001,,,"ou=測試隊,ou=測試署,ou=測試部,o=測試院,c=TW",
"""
HEADER = "機關名稱,OID,電話,地址,DN\n"
TOP = "2.16.886.101.20003"


@dataclass
class Registry:
    services: SqlServices
    clock: SetClock

    @property
    def today(self) -> date:
        return taipei_date(self.clock.now())

    def take(self, *rows: tuple[str, str], **options: Any) -> ImportReport:
        """Import rows of (arcs below 2.16.886.101.20003, name); the top one comes by itself."""
        lines = [f"行政院,{TOP},,,"] + [f'"{name}",{TOP}.{arcs},,,' for arcs, name in rows]
        return import_list(ImportList((HEADER + "\n".join(lines)).encode(), **options), self.services, OPERATOR)

    def at(self, arcs: str = "") -> Agency:
        with self.services.begin(SYSTEM) as work:
            agency = work.agencies.find_by_oid(f"{TOP}.{arcs}" if arcs else TOP)
        assert agency is not None
        return agency

    def get(self, agency: Agency) -> Agency:
        return self.number(agency.id)

    def number(self, agency_id: object) -> Agency:
        with self.services.begin(SYSTEM) as work:
            return work.agencies.get(AgencyId(int(str(agency_id))))

    def unit(self, parent: Agency, name: str = "第一科", oid: str = "") -> Agency:
        return add_unit(AddUnit(parent.id, name, oid), self.services, OPERATOR)

    def move(self, agency: Agency, parent: Agency) -> Agency:
        command = Move(agency.id, agency.version, parent.id, self.today)
        return move(command, self.services, OPERATOR)

    def rename(self, agency: Agency, name: str) -> Agency:
        return rename(Rename(agency.id, agency.version, name, self.today), self.services, OPERATOR)

    def close(self, agency: Agency) -> Agency:
        return close(Close(agency.id, agency.version, self.today), self.services, OPERATOR)

    def account(self, agency: Agency, unit: Agency | None = None) -> str:
        with self.services.begin(SYSTEM) as work:
            return self.account_in(work.connection, agency, unit)

    def account_in(self, connection: sa.Connection, agency: Agency, unit: Agency | None = None) -> str:
        """A row as the accounts' feature would leave it, as far as agencies can see."""
        account_id, person_id = uuid4(), uuid4()
        values = {
            "id": account_id,
            "person": person_id,
            "name": f"a{account_id.hex[:10]}",
            "agency": agency.id,
            "path": agency.path.text,
            "unit": None if unit is None else unit.id,
            "now": self.clock.now(),
        }
        connection.execute(
            sa.text("INSERT INTO people (id, name, created_at) VALUES (:person, '王小明', :now)"), values
        )
        connection.execute(
            sa.text(
                "INSERT INTO accounts (id, person_id, account_name, name_key, agency_id, agency_path, unit_id, name,"
                " mailbox_sealed, mailbox_key, language, state, created_at, approved_at) VALUES (:id, :person,"
                " :name, :name, :agency, :path, :unit, '王小明', '', '', 'zh_Hant_TW', 'enabled', :now, :now)"
            ),
            values,
        )
        return str(account_id)

    def enqueue(self, *agencies: Agency) -> None:
        with self.services.begin(SYSTEM) as work:
            for agency in agencies:
                work.outbox.enqueue(OutboxKey(Target.KEYCLOAK, Kind.AGENCY, str(agency.id)))

    def wishes(self) -> dict[str, int]:
        with self.services.read() as connection:
            return {row.object_id: row.generation for row in connection.execute(sa.select(outbox))}

    def actions(self) -> list[str]:
        with self.services.read() as connection:
            return list(connection.execute(sa.select(audit_records.c.action).order_by(audit_records.c.id)).scalars())

    def found(self, words: str, *, applicants: bool = False) -> list[str]:
        with self.services.read() as connection:
            hits = search(connection, words, Page(size=100), on=self.today, applicants=applicants)
        return [hit.full_name for hit in hits.rows]

    def rows(self) -> list[dict[str, Any]]:
        with self.services.read() as connection:
            return [dict(row) for row in connection.execute(sa.select(agencies).order_by(agencies.c.id)).mappings()]

    def check(self) -> None:
        """Everything derived is what the parents say."""
        rows = self.rows()
        places = derive({r["id"]: (r["parent_id"], r["name"], AgencyKind(r["kind"])) for r in rows})
        for row in rows:
            place = places[AgencyId(row["id"])]
            derived = (row["path"], row["full_name"], row["search_path"], row["home_id"])
            assert derived == (place.path.text, place.full_name, place.search_path, place.home_id)


def told(services: SqlServices, template: str) -> list[str]:
    """To which mailboxes such a mail goes."""
    with services.read() as connection:
        rows = connection.execute(sa.select(notices).where(notices.c.template == template))
        return [json.loads(services.keys.open(SEALED_AS, row.sealed))["recipient"] for row in rows]


def until_somebody_waits(services: SqlServices) -> None:
    """For a lock that another transaction holds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with services.read() as connection:
            if connection.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return
        time.sleep(0.01)
    pytest.fail("nobody waits")
