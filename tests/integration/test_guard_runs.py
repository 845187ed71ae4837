"""Imports and mergers under the guard, the guard at the command, and the runs it begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from hufu_registry.accounts.store import accounts
from hufu_registry.agencies.model import Agency, ImportReport
from hufu_registry.agencies.store import search
from hufu_registry.agencies.use_cases import AddUnit, ImportList, Reopen, add_unit, reopen
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.store import cases
from hufu_registry.command import hufu as command_line
from hufu_registry.guard.model import Done
from hufu_registry.guard.use_cases import (
    DisableAccounts,
    ImportAgencies,
    MergeAgency,
    release,
    submit,
)
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor
from hufu_registry.kernel.errors import IllegalMove, Invalid
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.paging import Page
from hufu_registry.sync.store import run_of, runs
from tests.kit.guard import everything, held_change_in
from tests.kit.registry import CHAIN
from tests.kit.staff import Staff, account_keys, agency_keys, open_case

# Imports


def importing(text: str, name: str = "list.csv") -> ImportAgencies:
    return ImportAgencies(ImportList(text.encode()), name)


def test_an_import_that_renames_many_is_held_with_the_file_and_runs_from_it(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 60)
    staff.hire(chain[2], 60)
    command = importing(CHAIN.replace("測試署", "新署"))
    before = everything(services)
    held_change = held_change_in(services, submit(command, services, managers[0]))
    assert everything(services) == before
    assert (held_change.kind, held_change.cause, held_change.count) == ("import_agencies", "list.csv", 120)
    with services.begin(SYSTEM) as work:
        some = work.held_changes.changes_of(held_change.id)
    assert {one.after for one in some} == {"測試院 › 測試部 › 新署", "測試院 › 測試部 › 新署 › 測試隊"}
    done = release(held_change.id, held_change.version, services, managers[1])
    assert isinstance(done.result, ImportReport)
    assert len(done.result.renamed) == 1
    assert staff.agency(chain[3]).full_name == "測試院 › 測試部 › 新署 › 測試隊"


def test_an_import_that_moves_nobody_just_happens(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 120)
    more = CHAIN + '測試所,2.16.886.101.29999.20002,,,"ou=測試所,o=測試院,c=TW",\n'
    assert isinstance(submit(importing(more), services, OPERATOR), Done)


# Merging


@pytest.fixture
def merger(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> tuple[Agency, Agency]:
    """測試署, with 測試隊 and a unit below it, and 測試部 above, into which it goes up."""
    add_unit(AddUnit(chain[2].id, "人事室"), services, OPERATOR)
    return staff.agency(chain[2]), chain[1]


def merge_of(pair: tuple[Agency, Agency], staff: Staff) -> MergeAgency:
    return MergeAgency(pair[0].id, pair[0].version, pair[1].id, staff.today)


def test_a_merger_takes_people_parts_cases_and_names_to_the_successor(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor],
    merger: tuple[Agency, Agency],
) -> None:  # fmt: skip
    agency, successor = merger
    with services.begin(SYSTEM) as work:
        (unit,) = [one for one in work.agencies.children(agency.id) if one.oid is None]
    people = staff.hire(agency, 4, unit_id=unit.id, unit_name=unit.name)
    team = staff.hire(chain[3], 1)
    staff.appoint(people[0], agency)
    staff.appoint(people[1], chain[3])
    case_id = open_case(services, agency)
    staff.settle()
    done = submit(merge_of(merger, staff), services, managers[0], confirmed=5)
    assert isinstance(done, Done), done
    ended = staff.agency(agency)
    assert (ended.closed_on, ended.merged_into) == (staff.today, successor.id)
    moved = [staff.account(one) for one in people]
    assert {(one.agency_id, one.agency_path) for one in moved} == {(successor.id, successor.path)}
    assert {one.profile.unit_id for one in moved} == {unit.id}
    assert staff.agency(unit).home_id == successor.id
    assert staff.agency(chain[3]).parent_id == successor.id
    assert staff.account(team[0]).agency_path == staff.agency(chain[3]).path
    assert staff.grants(people[0]) == []
    assert [grant.agency_id for grant in staff.grants(people[1])] == [chain[3].id]
    assert done.run_id is not None
    with services.read() as connection:
        case = connection.execute(sa.select(cases).where(cases.c.id == case_id)).one()
        hits = search(connection, "測試署", Page(), on=staff.today).rows
        run = run_of(connection, done.run_id)
    assert (case.agency_id, case.version) == (successor.id, 2)
    assert successor.id in {hit.id for hit in hits if hit.former_name == "測試署"}
    assert account_keys(*people) <= staff.unfinished()
    assert agency_keys(agency.id, chain[3].id) <= staff.unfinished()
    assert run.objects == len(staff.unfinished())
    recorded = staff.recorded("agency.merged", "case.readdressed", "grant.ended", "account.transferred", "agency.moved")
    assert sorted(set(recorded)) == [
        "account.transferred",
        "agency.merged",
        "agency.moved",
        "case.readdressed",
        "grant.ended",
    ]
    assert recorded.count("account.transferred") == 4


def test_a_merger_of_many_waits_for_a_second_person(
    services: SqlServices, staff: Staff, managers: tuple[Actor, Actor], merger: tuple[Agency, Agency]
) -> None:
    people = staff.hire(merger[0], 101)
    before = everything(services)
    held_change = held_change_in(services, submit(merge_of(merger, staff), services, managers[0], confirmed=101))
    assert everything(services) == before
    release(held_change.id, held_change.version, services, managers[1])
    assert {staff.account(one).agency_id for one in people} == {merger[1].id}


def test_a_merger_that_makes_no_sense_is_refused(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor],
    merger: tuple[Agency, Agency],
) -> None:  # fmt: skip
    agency, successor = merger
    with services.begin(SYSTEM) as work:
        (unit,) = [one for one in work.agencies.children(agency.id) if one.oid is None]
    for one, into, code in (
        (agency, agency, "merge_into_itself"),
        (agency, chain[3], "merge_into_itself"),
        (chain[3], unit, "agency_not_a_home"),
    ):
        with pytest.raises(IllegalMove, match=code):
            submit(MergeAgency(one.id, one.version, into.id, staff.today), services, managers[0])
    late = MergeAgency(agency.id, agency.version, successor.id, staff.today + timedelta(days=1))
    with pytest.raises(Invalid):
        submit(late, services, managers[0])
    submit(merge_of(merger, staff), services, managers[0])
    ended = staff.agency(agency)
    with pytest.raises(IllegalMove, match="agency_closed"):
        submit(MergeAgency(ended.id, ended.version, chain[0].id, staff.today), services, managers[0])
    with pytest.raises(IllegalMove, match="agency_merged"):
        reopen(Reopen(ended.id, ended.version), services, OPERATOR)


def test_an_import_leaves_a_merged_agency_as_it_is(
    services: SqlServices, staff: Staff, managers: tuple[Actor, Actor], merger: tuple[Agency, Agency]
) -> None:
    submit(merge_of(merger, staff), services, managers[0])
    assert isinstance(submit(importing(CHAIN), services, OPERATOR), Done)
    assert staff.agency(merger[0]).merged_into == merger[1].id
    assert not staff.agency(merger[0]).is_open(staff.today)


# The command


@pytest.fixture
def hufu(services: SqlServices) -> Callable[..., Result]:
    def run(group: str, *arguments: str) -> Result:
        chosen = command_line.commands[group]
        return CliRunner().invoke(chosen, arguments, obj=lambda: services)

    return run


def test_at_the_command_nobody_is_asked_so_it_is_held(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], hufu: Callable[..., Result]
) -> None:
    staff.hire(chain[3], 7)
    oid = str(chain[3].oid)
    held = hufu("agencies", "rename", oid, "新隊")
    assert held.exit_code == 3
    assert "7 accounts" in held.output
    told = re.search(r"\(hufu (.+)\)", held.output)
    assert told is not None
    assert hufu(*told[1].split()).exit_code == 0
    listed = hufu("held-changes", "list")
    assert "rename_agency 測試隊: 7 accounts" in listed.output
    shown = hufu("held-changes", "show", listed.output.split()[0])
    assert shown.output.count("move ") == 7
    too_few = hufu("agencies", "rename", oid, "新隊", "--confirm", "6")
    assert too_few.exit_code == 3
    assert "--confirm 7" in too_few.output
    done = hufu("agencies", "rename", oid, "新隊", "--confirm", "7")
    assert done.exit_code == 0, done.output
    assert staff.agency(chain[3]).name == "新隊"
    assert hufu("held-changes", "show", str(uuid4())).exit_code == 1


def test_merge_at_the_command(staff: Staff, chain: Sequence[Agency], hufu: Callable[..., Result]) -> None:
    outcome = hufu("agencies", "merge", str(chain[3].oid), str(chain[2].oid))
    assert outcome.exit_code == 0, outcome.output
    assert staff.agency(chain[3]).merged_into == chain[2].id


def test_no_run_is_started_where_only_one_is_touched(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    (one,) = staff.hire(chain[3])
    done = submit(DisableAccounts((one,), "離職"), services, managers[0])
    assert isinstance(done, Done)
    assert done.run_id is None
    with services.read() as connection:
        assert runs(connection, Page()).total == 0
        assert (
            connection.execute(sa.select(accounts.c.state).where(accounts.c.id == AccountId(one))).scalar_one()
            == "disabled"
        )
