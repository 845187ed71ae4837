"""Lists of agencies, and the command, on a real PostgreSQL."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path as File

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.use_cases import (
    LinkHistory,
    link_history,
)
from hufu_registry.bootstrap import SqlServices
from hufu_registry.command import hufu as command_line
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import HufuError
from tests.kit.registry import HEADER, TOP, Registry

REAL = DATA / "GDS_2019.csv"


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


def test_a_run_whose_rejected_lines_could_have_closed_something_closes_nothing_and_fails(
    registry: Registry, hufu: Callable[..., Result], tmp_path: File
) -> None:
    registry.take(*((f"{20000 + number}", f"機關{number}") for number in range(1, 30)))
    file = tmp_path / "list.csv"
    rows = [f"機關{number},{TOP}.{20000 + number},,," for number in range(2, 30)]
    file.write_text(HEADER + f"行政院,{TOP},,,\n" + "\n".join([f"機關1,{TOP}.2OOO1,,,", *rows]), encoding="utf-8")
    for way in ((), ("--dry-run",), ("--json",)):
        outcome = hufu("import", str(file), *way)
        assert outcome.exit_code == 1
        assert "1 lines were rejected, so the 1 agencies that the list does not hold stay open" in outcome.output
    assert registry.at("20001").closed_on is None
    file.write_text(HEADER + f"行政院,{TOP},,,\n" + "\n".join([f"機關1,'{TOP}.20001,,,", *rows]), encoding="utf-8")
    assert hufu("import", str(file)).exit_code == 0


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
    registry.enqueue(old, registry.at())
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
