"""Agencies on a real PostgreSQL: import, history, changes by hand, search."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path as File
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.model import Agency, AgencyKind, Path, derive
from hufu_registry.agencies.store import agencies, children, former_names, search, tree_path
from hufu_registry.agencies.use_cases import (
    AddUnit,
    Close,
    ImportList,
    LinkHistory,
    Move,
    Rename,
    Reopen,
    SetMailDomains,
    add_unit,
    close,
    import_list,
    link_history,
    move,
    rename,
    reopen,
    set_mail_domains,
)
from hufu_registry.audit.store import audit_records
from hufu_registry.bootstrap import SqlServices
from hufu_registry.command import hufu as command_line
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor, applicant_actor
from hufu_registry.kernel.clock import taipei_date
from hufu_registry.kernel.errors import Conflict, HufuError, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.paging import Page
from hufu_registry.kernel.store import outbox
from tests.kit.clocks import SetClock

HEADER = "機關名稱,OID,電話,地址,DN\n"
TOP = "2.16.886.101.20003"
REAL = DATA / "GDS_2019.csv"


@dataclass
class Registry:
    services: SqlServices
    clock: SetClock

    @property
    def today(self) -> date:
        return taipei_date(self.clock.now())

    def take(self, *rows: tuple[str, str], **options: object) -> object:
        """Import rows of (arcs below 2.16.886.101.20003, name); the top one comes by itself."""
        lines = [f"行政院,{TOP},,,"] + [f'"{name}",{TOP}.{arcs},,,' for arcs, name in rows]
        return import_list(ImportList((HEADER + "\n".join(lines)).encode(), **options), self.services, OPERATOR)

    def at(self, arcs: str = "") -> Agency:
        with self.services.begin(SYSTEM) as work:
            found = work.agencies.find_by_oid(f"{TOP}.{arcs}" if arcs else TOP)
        assert found is not None
        return found

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

    def want(self, *agencies_wanted: Agency) -> None:
        with self.services.begin(SYSTEM) as work:
            for agency in agencies_wanted:
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

    def rows(self) -> list[dict[str, object]]:
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


@pytest.fixture
def registry(services: SqlServices, clock: SetClock) -> Registry:
    return Registry(services, clock)


@pytest.fixture
def hufu(services: SqlServices) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(command_line.commands["agencies"], arguments, obj=lambda: services)

    return run


# Import


@pytest.mark.requirement("X-01")
def test_the_real_list_comes_in_whole_and_a_second_time_changes_nothing(
    registry: Registry, hufu: Callable[..., Result]
) -> None:
    outcome = hufu("import", str(REAL))
    assert outcome.exit_code == 0, outcome.output
    assert "new: 8262" in outcome.output
    registry.check()
    before = registry.rows()
    assert len(before) == 8_262 + 252
    assert "(nothing changed)" in hufu("import", str(REAL)).output
    assert registry.rows() == before
    assert registry.actions() == ["agencies.imported"]

    schools = hufu("import", str(DATA / "schools_made_up.csv"))
    assert "new: 5" in schools.output
    assert "gone: 0" in schools.output
    linked = hufu("history", str(DATA / "change.csv"))
    assert "linked: 22" in linked.output
    assert "not applied: 2" in linked.output
    assert "linked: 0" in hufu("history").output
    assert "(nothing changed)" in hufu("import", str(REAL)).output

    assert registry.found("衛生署")[0] == "行政院 › 衛生福利部"
    assert registry.found("2.16.886.101.20003.20014")[0] == "行政院 › 衛生福利部"
    assert registry.found("387000000a") == ["臺中市 › 臺中市政府"]
    assert registry.found("台中 秘書室 法制")[0].endswith("臺中市政府法制局 › 秘書室")
    assert registry.found("消防署")[0] == "行政院 › 內政部 › 內政部消防署"
    assert registry.at("20001.20003").full_name == "行政院 › 內政部 › 內政部消防署"
    rooms = registry.found("秘書室")
    assert len([name for name in rooms if name.endswith(" › 秘書室")]) == 62
    assert len(set(rooms)) == len(rooms)
    assert registry.found("臺北市", applicants=True)[0] != "臺北市"
    assert registry.found("臺北市")[0] == "臺北市"


def test_a_dry_run_writes_nothing(registry: Registry, hufu: Callable[..., Result]) -> None:
    outcome = hufu("import", str(REAL), "--dry-run")
    assert "new: 8262" in outcome.output
    assert registry.rows() == []
    assert registry.actions() == []
    report = json.loads(hufu("import", str(REAL), "--dry-run", "--json").output)
    assert len(report["new"]) == 8_262


def test_an_import_that_would_close_too_many_stops_and_says_how_to_allow_it(
    registry: Registry, hufu: Callable[..., Result], tmp_path: File
) -> None:
    registry.take(*((f"{20000 + number}", f"機關{number}") for number in range(1, 20)))
    before = registry.rows()
    short = tmp_path / "short.csv"
    rows = [f"機關{number},{TOP}.{20000 + number},,," for number in range(1, 18)]
    short.write_text(HEADER + f"行政院,{TOP},,,\n" + "\n".join(rows), encoding="utf-8")
    outcome = hufu("import", str(short))
    assert outcome.exit_code == 1
    assert "2 of 20 agencies, more than 5 %" in outcome.output
    assert "--allow-closing 2" in outcome.output
    assert "--allow-closing 2" in hufu("import", str(short), "--dry-run").output
    assert hufu("import", str(short), "--allow-closing", "1").exit_code == 1
    assert registry.rows() == before
    assert hufu("import", str(short), "--allow-closing", "2").exit_code == 0
    assert registry.at("20018").closed_on == registry.today
    assert registry.actions().count("agency.closed") == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("機關名稱,OID\n".encode(), "columns are missing: 電話, 地址, DN"),
        (HEADER.encode() + b"\xa5x\n", "line 2 is not UTF-8"),
        (f'{HEADER}"某部,{TOP},,,\n'.encode(), "never closed"),
        (b"", "empty"),
    ],
)
def test_a_file_that_is_no_list_is_refused_in_plain_words(
    registry: Registry, hufu: Callable[..., Result], tmp_path: File, content: bytes, says: str
) -> None:
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    outcome = hufu("import", str(file))
    assert outcome.exit_code == 1
    assert says in outcome.output
    assert "nothing was written" in outcome.output
    assert registry.rows() == []


def test_rejected_lines_are_told_with_number_and_reason(hufu: Callable[..., Result], tmp_path: File) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        f"{HEADER}行政院,{TOP},,,\n甲,{TOP},,,\n乙,1.2.3,,,\n丙,{TOP}.5,,\n丁,{TOP}.6,,,\n", encoding="utf-8"
    )
    output = hufu("import", str(file)).output
    assert "new: 2" in output
    assert "line 3: the OID stands on an earlier line" in output
    assert "line 4: OID not under 2.16.886.101 or 2.16.886.111 [1.2.3]" in output
    assert "line 5: another number of cells than the header" in output


@pytest.mark.parametrize(
    "name", ["=1+1", "<script>alert(1)</script>", "100%_\\", "他說“好”, (x)*", "𠀋𪚥" * 100, "室" * 200]
)
def test_names_of_any_kind_come_in_and_are_found(registry: Registry, name: str) -> None:
    registry.take(("20001", name), ("20002", "別的"))
    assert registry.at("20001").name == name
    assert registry.found(name) == [f"行政院 › {name}"]


def test_wildcards_of_the_database_are_plain_signs(registry: Registry) -> None:
    registry.take(("20001", "百分之百"), ("20002", "100%機關"), ("20003", "a_b"), ("20004", "axb"), ("20005", "c\\d"))
    assert registry.found("%") == ["行政院 › 100%機關"]
    assert registry.found("a_b") == ["行政院 › a_b"]
    assert registry.found("\\") == ["行政院 › c\\d"]
    assert registry.found("'; DROP TABLE agencies; --") == []
    assert registry.found("   ") == []
    assert registry.found("\x00") == []


def test_a_successor_keeps_people_and_id_and_the_targets_hear_of_it(registry: Registry) -> None:
    registry.take(("20001", "衛生署"), ("20002", "甲"))
    old = registry.at("20001")
    registry.account(old)
    registry.want(old, registry.at())
    history = (
        f"old_name,new_name,old_oid,new_oid,change_date,ref\n衛生福利部,衛生署,{TOP}.20065,{TOP}.20001,2013/7/23,\n"
    )
    report = registry.take(("20065", "衛生福利部"), ("20002", "甲"), history_file=history.encode())
    new = registry.at("20065")
    assert new.id == old.id
    assert [(one.old, one.new) for one in report.moved] == [(f"{TOP}.20001", f"{TOP}.20065")]
    assert registry.found("衛生署") == ["行政院 › 衛生福利部"]
    assert registry.found(f"{TOP}.20001") == ["行政院 › 衛生福利部"]
    assert registry.wishes()[str(new.id)] == 2
    assert registry.take(("20065", "衛生福利部"), ("20002", "甲"), history_file=history.encode()).changes_nothing


def test_a_successor_known_from_the_history_command_is_followed_too(registry: Registry) -> None:
    registry.take(("20001", "衛生署"), ("20002", "甲"))
    history = (
        f"old_name,new_name,old_oid,new_oid,change_date,ref\n衛生署,衛生福利部,{TOP}.20001,{TOP}.20065,2013/7/23,\n"
    )
    plan, _ = link_history(LinkHistory(history.encode()), registry.services, OPERATOR)
    assert len(plan.links) == 1
    old = registry.at("20001")
    registry.take(("20065", "衛生福利部"), ("20002", "甲"))
    assert registry.at("20065").id == old.id


def test_the_gone_with_people_stay_open_and_an_agency_under_another_parent_takes_its_people_along(
    registry: Registry,
) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20002", "局"))
    agency = registry.at("20001.20001")
    registry.account(agency)
    report = registry.take(("20002", "局"), may_close=9)
    assert {one.reason for one in report.kept} == {"in_use", "in_use_below"}
    assert registry.at("20001").closed_on is None
    history = f"old_name,new_name,old_oid,new_oid,change_date,ref\n署,署,{TOP}.20001.20001,{TOP}.20002.20009,,\n"
    registry.take(("20002", "局"), ("20002.20009", "署"), may_close=9, history_file=history.encode())
    with registry.services.read() as connection:
        paths = connection.execute(sa.text("SELECT agency_path FROM accounts")).scalars().all()
    assert paths == [registry.at("20002.20009").path.text]
    assert registry.at("20001").closed_on == registry.today
    registry.check()


def test_two_imports_at_once_end_as_one(registry: Registry) -> None:
    faults: list[Exception] = []

    def run() -> None:
        try:
            registry.take(*((str(20001 + number), f"機關{number}") for number in range(200)))
        except Exception as fault:  # noqa: BLE001 - whatever it is, the test must hear of it
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(registry.rows()) == 201


# By hand


def test_a_unit_stands_below_an_agency_with_an_oid_or_without(registry: Registry) -> None:
    registry.take(("20001", "部"))
    unit = registry.unit(registry.at("20001"), "人事處")
    lower = registry.unit(unit, "第一科", f"{TOP}.20001.29001")
    assert (unit.kind, unit.oid, unit.home_id) == (AgencyKind.UNIT, None, registry.at("20001").id)
    assert lower.home_id == registry.at("20001").id
    assert lower.full_name == "行政院 › 部 › 人事處 › 第一科"
    assert registry.found("人事處 一科") == ["行政院 › 部 › 人事處 › 第一科"]
    registry.check()
    with pytest.raises(Conflict, match="oid_taken"):
        registry.unit(unit, "又一科", f"{TOP}.20001.29001")
    with pytest.raises(Invalid):
        registry.unit(unit, "又一科", "1.2.3")
    with pytest.raises(NotFound):
        add_unit(AddUnit(AgencyId(10**12), "科"), registry.services, OPERATOR)
    assert registry.take(("20001", "部")).changes_nothing


def test_units_do_not_stand_below_bare_places_or_closed_agencies(registry: Registry) -> None:
    place = f'{HEADER}公所,2.16.886.101.90010.20002,,,"o=縣政府,l=彰化縣,c=TW"\n'
    import_list(ImportList(place.encode()), registry.services, OPERATOR)
    with registry.services.begin(SYSTEM) as work:
        locality = work.agencies.find_by_oid("2.16.886.101.90010")
        agency = work.agencies.find_by_oid("2.16.886.101.90010.20002")
    assert locality is not None
    assert agency is not None
    with pytest.raises(IllegalMove, match="units_stand_below_agencies"):
        registry.unit(locality)
    registry.close(agency)
    with pytest.raises(IllegalMove, match="agency_closed"):
        registry.unit(agency)


def test_what_a_list_moves_elsewhere_leaves_its_old_place_to_be_looked_at(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20002", "會"))
    registry.want(registry.at("20001"), registry.at("20001.20001"))
    history = (
        f"old_name,new_name,old_oid,new_oid,change_date,ref\n署,署,{TOP}.20001.20001,{TOP}.20002.20001,2013/7/23,\n"
    )
    registry.take(("20001", "部"), ("20002", "會"), ("20002.20001", "署"), history_file=history.encode())
    moved = registry.at("20002.20001")
    assert moved.parent_id == registry.at("20002").id
    wishes = registry.wishes()
    assert (wishes[str(moved.id)], wishes[str(registry.at("20001").id)]) == (2, 2)


def test_a_new_name_reaches_all_below_and_the_old_one_is_found(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "部署"))
    registry.want(registry.at("20001"))
    unit = registry.unit(registry.at("20001.20001"))
    renamed = registry.rename(registry.at("20001"), "台灣部")
    assert renamed.name == "台灣部"
    assert registry.get(unit).full_name == "行政院 › 台灣部 › 部署 › 第一科"
    registry.check()
    assert registry.found("臺灣 第一科") == ["行政院 › 台灣部 › 部署 › 第一科"]
    with registry.services.read() as connection:
        former = former_names(connection, renamed.id)
        hits = search(connection, "部", Page(), on=registry.today).rows
    assert [(one.name, one.until) for one in former] == [("部", registry.today)]
    assert {hit.full_name for hit in hits} == {"行政院 › 台灣部", "行政院 › 台灣部 › 部署"}
    assert registry.wishes()[str(renamed.id)] == 2
    assert registry.rename(renamed, " 台灣部 ").version == renamed.version
    assert registry.take(("20001", "部"), ("20001.20001", "部署")).changes_nothing
    assert registry.get(renamed).name == "台灣部"


def test_a_unit_renamed_is_renamed_on_its_accounts(registry: Registry) -> None:
    registry.take(("20001", "部"))
    unit = registry.unit(registry.at("20001"))
    account = registry.account(registry.at("20001"), unit)
    with registry.services.begin(SYSTEM) as work:
        work.outbox.enqueue(OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, account))
    registry.rename(unit, "第二科")
    with registry.services.read() as connection:
        assert connection.execute(sa.text("SELECT unit_name FROM accounts")).scalars().all() == ["第二科"]
    assert registry.wishes()[account] == 2


def test_a_move_takes_the_subtree_and_the_people_along(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20001.20001.20001", "組"), ("20002", "會"))
    ministry, agency, lower = registry.at("20001"), registry.at("20001.20001"), registry.at("20001.20001.20001")
    account = registry.account(lower)
    registry.want(registry.at(), ministry, agency, lower)
    moved = registry.move(agency, registry.at("20002"))
    assert (moved.parent_id, moved.parent_by_hand) == (registry.at("20002").id, True)
    assert moved.path == registry.at("20002").path.child(agency.id)
    with registry.services.read() as connection:
        path = connection.execute(sa.text("SELECT agency_path FROM accounts WHERE id = :id"), {"id": account}).scalar()
        assert path == registry.get(lower).path.text
        assert tree_path(connection, lower.id)[1] == (registry.at("20002").id, "會")
    registry.check()
    wishes = registry.wishes()
    assert wishes[str(agency.id)] == 2
    assert wishes[str(registry.at("20002").id)] == 1
    report = registry.take(("20001", "部"), ("20001.20001", "署"), ("20001.20001.20001", "組"), ("20002", "會"))
    assert report.changes_nothing
    assert [(one.oid, one.reason) for one in report.differing] == [(f"{TOP}.20001.20001", "moved_by_hand")]


def test_moves_that_make_no_tree_are_refused(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"), ("20002", "會"))
    ministry, agency, other = registry.at("20001"), registry.at("20001.20001"), registry.at("20002")
    for target in (ministry, agency):
        with pytest.raises(IllegalMove, match="move_would_be_circle"):
            registry.move(ministry, target)
    unit = registry.unit(ministry)
    with pytest.raises(IllegalMove, match="agency_below_unit"):
        registry.move(other, unit)
    closed = registry.close(other)
    with pytest.raises(IllegalMove, match="agency_closed"):
        registry.move(agency, closed)
    registry.check()


def test_a_unit_with_people_stays_with_its_agency(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    unit = registry.unit(registry.at("20001"), "處")
    lower = registry.unit(unit, "科")
    registry.account(registry.at("20001"), lower)
    with pytest.raises(IllegalMove, match="unit_has_people"):
        registry.move(unit, registry.at("20002"))
    empty = registry.unit(registry.at("20001"), "空處")
    below = registry.unit(empty, "空科")
    registry.move(empty, registry.at("20002"))
    assert registry.get(below).home_id == registry.at("20002").id
    registry.check()
    other = registry.unit(registry.at("20001"), "另處")
    registry.move(lower, other)
    registry.check()


def test_an_agency_closes_only_when_nobody_needs_it(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20001.20001", "署"))
    ministry, agency = registry.at("20001"), registry.at("20001.20001")
    account = registry.account(agency)
    with pytest.raises(IllegalMove) as caught:
        registry.close(agency)
    assert (caught.value.code, caught.value.context["reasons"]) == ("agency_in_use", "accounts")
    with pytest.raises(IllegalMove) as caught:
        registry.close(ministry)
    assert caught.value.context["reasons"] == "children"
    with registry.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("UPDATE accounts SET state = 'deleted' WHERE id = :id"), {"id": account})
    closed = registry.close(agency)
    assert closed.closed_on == registry.today
    assert registry.found("署", applicants=True) == []
    assert registry.found("署") == ["行政院 › 部 › 署"]
    ministry = registry.close(ministry)
    with pytest.raises(IllegalMove, match="agency_closed"):
        reopen(Reopen(agency.id, closed.version), registry.services, OPERATOR)
    reopen(Reopen(ministry.id, ministry.version), registry.services, OPERATOR)
    reopened = reopen(Reopen(agency.id, closed.version), registry.services, OPERATOR)
    assert reopened.closed_on is None
    assert registry.actions()[-4:] == ["agency.closed", "agency.closed", "agency.reopened", "agency.reopened"]


def test_what_begins_tomorrow_is_entered_tomorrow(registry: Registry) -> None:
    registry.take(("20001", "部"))
    agency, tomorrow = registry.at("20001"), registry.today + timedelta(days=1)
    for command, use_case, field in (
        (Rename(agency.id, agency.version, "新", tomorrow), rename, "since"),
        (Move(agency.id, agency.version, registry.at().id, tomorrow), move, "since"),
        (Close(agency.id, agency.version, tomorrow), close, "on"),
    ):
        with pytest.raises(Invalid) as caught:
            use_case(command, registry.services, OPERATOR)
        assert caught.value.fields == {field: "in_the_future"}


def test_who_was_not_first_is_told_so(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    seen = registry.at("20001")
    registry.rename(seen, "新部")
    for act in (
        lambda: registry.rename(seen, "又新"),
        lambda: registry.move(seen, registry.at("20002")),
        lambda: registry.close(seen),
        lambda: set_mail_domains(SetMailDomains(seen.id, seen.version, ("a.tw",)), registry.services, OPERATOR),
    ):
        with pytest.raises(Conflict, match="changed_meanwhile"):
            act()
    assert registry.get(seen).name == "新部"


def test_a_closing_waits_for_a_decision_under_way_and_then_sees_its_account(registry: Registry) -> None:
    registry.take(("20001", "部"))
    agency = registry.at("20001")
    outcome: list[object] = []

    def close_it() -> None:
        try:
            outcome.append(registry.close(agency))
        except IllegalMove as fault:
            outcome.append(fault.context["reasons"])

    closing = threading.Thread(target=close_it)
    with registry.services.begin(SYSTEM) as work:
        work.agencies.lock([agency.id])
        closing.start()
        closing.join(0.5)
        assert closing.is_alive()
        # Whoever only reads is not held up meanwhile.
        assert registry.found("部") == ["行政院 › 部"]
        registry.account_in(work.connection, agency)
    closing.join(10)
    assert outcome == ["accounts"]


def test_nothing_happens_without_a_right(registry: Registry) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    agency, before = registry.at("20001"), registry.rows()
    attempts: list[Callable[[Actor], object]] = [
        lambda actor: add_unit(AddUnit(agency.id, "科"), registry.services, actor),
        lambda actor: rename(Rename(agency.id, 1, "新", registry.today), registry.services, actor),
        lambda actor: move(Move(agency.id, 1, registry.at("20002").id, registry.today), registry.services, actor),
        lambda actor: close(Close(agency.id, 1, registry.today), registry.services, actor),
        lambda actor: reopen(Reopen(agency.id, 1), registry.services, actor),
        lambda actor: set_mail_domains(SetMailDomains(agency.id, 1, ("a.tw",)), registry.services, actor),
    ]
    for attempt in attempts:
        for actor in (applicant_actor(), account_actor(AccountId(uuid4()))):
            with pytest.raises(NotFound, match="agency"):
                attempt(actor)
    assert registry.rows() == before


def test_mail_domains_are_kept_sorted_and_once(registry: Registry) -> None:
    registry.take(("20001", "部"))
    agency = registry.at("20001")
    command = SetMailDomains(agency.id, agency.version, ("Moi.gov.tw", "@a.tw", "moi.gov.tw", " "))
    assert set_mail_domains(command, registry.services, OPERATOR).mail_domains == ("a.tw", "moi.gov.tw")


def test_the_commands_do_the_same_by_oid(registry: Registry, hufu: Callable[..., Result]) -> None:
    registry.take(("20001", "部"), ("20002", "會"))
    added = hufu("add-unit", f"{TOP}.20001", "人事處")
    assert added.exit_code == 0, added.output
    number = added.output.split()[0]
    assert "行政院 › 部 › 人資處" in hufu("rename", number, "人資處").output
    assert "行政院 › 會 › 人資處" in hufu("move", number, f"{TOP}.20002").output
    assert hufu("mail-domains", f"{TOP}.20002", "a.tw").exit_code == 0
    assert hufu("close", number).exit_code == 0
    assert "(closed " in hufu("search", "人事處").output
    assert hufu("reopen", number).exit_code == 0
    missing = hufu("close", f"{TOP}.20009")
    assert isinstance(missing.exception, HufuError)


# Reading


def test_the_nearest_match_comes_first_and_only_fit_places_are_selectable(registry: Registry) -> None:
    lines = (
        f'{HEADER}測試市政府,2.16.886.101.90099.20002,,,"o=市政府,l=測試市,c=TW"\n'
        '測試市政府秘書處,2.16.886.101.90099.20002.20001,,,"ou=秘書處,o=市政府,l=測試市,c=TW"\n'
        '新測試市政府,2.16.886.101.90099.20002.20002,,,"ou=新,o=市政府,l=測試市,c=TW"\n'
        '秘書處,2.16.886.101.90099.20002.20003,,,"ou=秘書處,o=市政府,l=測試市,c=TW"\n'
    )
    import_list(ImportList(lines.encode()), registry.services, OPERATOR)
    names = [name.rpartition(" › ")[2] for name in registry.found("測試市政府")]
    assert names == ["測試市政府", "測試市政府秘書處", "新測試市政府"]
    assert registry.found("秘書處")[0].endswith("› 秘書處")
    with registry.services.read() as connection:
        hits = search(connection, "測試市", Page(), on=registry.today).rows
        selectable = {hit.name: hit.selectable for hit in hits}
        paged = search(connection, "測試市", Page(2, 2), on=registry.today)
        top = children(connection, None, Page(), on=registry.today)
        below = children(connection, top.rows[0].id, Page(), on=registry.today)
    assert selectable == {"測試市": False, "測試市政府": True, "測試市政府秘書處": True, "新測試市政府": True}
    assert (paged.total, len(paged.rows)) == (4, 2)
    assert [(row.name, row.children, row.selectable) for row in top.rows] == [("測試市", 1, False)]
    assert [(row.name, row.children, row.selectable) for row in below.rows] == [("測試市政府", 3, True)]


@pytest.mark.requirement("X-01")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_for_random_trees_and_moves_path_and_scope_are_those_of_the_parents(
    registry: Registry, data: st.DataObject
) -> None:
    with registry.services.begin(SYSTEM) as work:
        work.connection.execute(sa.text("TRUNCATE agencies RESTART IDENTITY CASCADE"))
    registry.take(*((str(20001 + number), f"機關{number}") for number in range(4)))
    for _ in range(data.draw(st.integers(1, 6))):
        rows = registry.rows()
        parent = registry.number(data.draw(st.sampled_from(rows))["id"])
        registry.unit(parent, f"科{len(rows)}")
    for _ in range(data.draw(st.integers(1, 10))):
        rows = registry.rows()
        one, other = (registry.number(data.draw(st.sampled_from(rows))["id"]) for _ in range(2))
        reachable = one.id in walk_up(rows, other.id)
        if reachable:
            with pytest.raises(IllegalMove, match="move_would_be_circle"):
                registry.move(one, other)
            continue
        with contextlib.suppress(IllegalMove):  # an agency below a unit, people who would change agency
            registry.move(one, other)
    registry.check()
    rows = registry.rows()
    with registry.services.read() as connection:
        for upper in rows:
            inside = sa.or_(
                agencies.c.path == upper["path"],
                sa.and_(agencies.c.path >= f"{upper['path']}.", agencies.c.path < f"{upper['path']}/"),
            )
            in_scope = set(connection.execute(sa.select(agencies.c.id).where(inside)).scalars())
            assert in_scope == {row["id"] for row in rows if upper["id"] in walk_up(rows, row["id"])}
            assert in_scope == {row["id"] for row in rows if Path(upper["path"]).covers(Path(row["path"]))}


def walk_up(rows: list[dict[str, object]], start: object) -> list[object]:
    parents = {row["id"]: row["parent_id"] for row in rows}
    way = [start]
    while (above := parents[way[-1]]) is not None:
        way.append(above)
    return way
