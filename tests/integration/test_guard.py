"""The guard on a real PostgreSQL: what takes too much changes nothing before it is released."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.use_cases import ChangeAccount, change_account
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import AddUnit, Rename, add_unit
from hufu_registry.agencies.use_cases import rename as rename_agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.guard.model import ChangeKind, Done, Held, HeldChange, HeldState, Unconfirmed
from hufu_registry.guard.store import changes_page, held_change_of, list_held_changes
from hufu_registry.guard.use_cases import (
    DeleteAccounts,
    DisableAccounts,
    MoveAgency,
    TransferAccounts,
    cancel,
    release,
    submit,
)
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor
from hufu_registry.kernel.errors import Conflict, Denied, HufuError, IllegalMove, Invalid, NotFound
from hufu_registry.kernel.paging import Page
from hufu_registry.sync.model import RunKind
from hufu_registry.sync.store import run_of
from tests.kit.guard import everything, held_change_in, rename_of, transfer_account
from tests.kit.staff import Staff, account_keys, agency_keys


def state_of(services: SqlServices, held_change: HeldChange) -> HeldChange:
    with services.read() as connection:
        return held_change_of(connection, held_change.id)


# Limits


@pytest.mark.parametrize(("people", "outcome"), [(5, Done), (6, Unconfirmed), (100, Unconfirmed), (101, Held)])
def test_a_rename_is_judged_by_who_stands_there(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor],
    people: int, outcome: type,
) -> None:  # fmt: skip
    team = chain[3]
    staff.hire(team, people)
    assert isinstance(submit(rename_of(team, staff), services, managers[0]), outcome)
    assert staff.agency(team).name == ("新部" if outcome is Done else "測試隊")


def test_more_than_a_fifth_of_an_agency_needs_a_confirmation(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[2], 30)
    six = DisableAccounts(tuple(people[:6]), "離職")
    assert isinstance(submit(six, services, managers[0]), Done)  # 6 of 30 are 20 %
    seven = DisableAccounts(tuple(people[6:13]), "離職")
    asked = submit(seven, services, managers[0])
    assert isinstance(asked, Unconfirmed)
    assert asked.count == 7
    assert {one.account_id for one in asked.changes} == set(people[6:13])
    assert staff.states(people[6:13]) == {AccountState.ENABLED}
    assert isinstance(submit(seven, services, managers[0], confirmed=6), Unconfirmed)
    assert isinstance(submit(seven, services, managers[0], confirmed=7), Done)
    assert staff.states(people[6:13]) == {AccountState.DISABLED}


def test_a_confirmation_is_no_release(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    assert isinstance(submit(rename_of(chain[3], staff), services, managers[0], confirmed=101), Held)


def test_a_unit_is_no_place_in_the_targets_so_its_name_moves_nobody(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    unit = add_unit(AddUnit(chain[3].id, "第一科"), services, OPERATOR)
    staff.hire(chain[3], 20, unit_id=unit.id, unit_name=unit.name)
    assert isinstance(submit(rename_of(unit, staff, "第二科"), services, managers[0]), Done)


def test_what_needs_a_yes_is_told_without_being_done(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 7)
    before = everything(services)
    seen = submit(rename_of(chain[2], staff, "新署"), services, managers[0])
    assert isinstance(seen, Unconfirmed)
    assert seen.count == 7
    assert {one.account_id for one in seen.changes} == set(people)
    assert seen.changes[0].before == "測試院 › 測試部 › 測試署 › 測試隊"
    assert seen.changes[0].after == "測試院 › 測試部 › 新署 › 測試隊"
    assert everything(services) == before


# Holding


def test_a_held_act_changes_nothing_but_is_listed_with_its_cause(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 101)
    before = everything(services)
    held_change = held_change_in(services, submit(rename_of(chain[2], staff, "新署"), services, managers[0]))
    assert everything(services) == before
    assert (held_change.kind, held_change.cause, held_change.count, held_change.state) == (
        "rename_agency",
        "測試署",
        101,
        HeldState.HELD,
    )
    assert held_change.requested_by == managers[0].account_id
    with services.read() as connection:
        listed = changes_page(connection, held_change.id, Page(size=100))
        assert [one.id for one in list_held_changes(connection, Page(), HeldState.HELD).rows] == [held_change.id]
    assert listed.total == 101
    assert {one.account_id for one in listed.rows} < set(people)
    assert staff.recorded("held_change.held", "agency.renamed") == ["held_change.held"]


def test_what_breaks_a_rule_is_refused_at_once_and_not_held(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)

    (plain,) = staff.hire(chain[3])
    for command, actor, error in (
        (rename_of(chain[3], staff, " "), managers[0], Invalid),
        (replace(rename_of(chain[3], staff), version=9), managers[0], Conflict),
        (rename_of(chain[3], staff), account_actor(plain), NotFound),
        (MoveAgency(chain[2].id, chain[2].version, chain[3].id, staff.today), managers[0], IllegalMove),
    ):
        with pytest.raises(error):
            submit(command, services, actor)
    with services.read() as connection:
        assert list_held_changes(connection, Page()).total == 0


def test_accounts_may_be_edited_while_their_set_is_held(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    one = staff.account(people[0])
    change_account(ChangeAccount(one.id, one.version, replace(one.profile, title="專員")), services, managers[0])
    done = release(held_change.id, held_change.version, services, managers[1])
    assert isinstance(done.result, Agency)
    assert done.result.name == "新部"
    assert staff.account(people[0]).profile.title == "專員"


# Releasing


def test_a_second_system_manager_releases_it_and_it_happens_once(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    staff.settle()
    done = release(held_change.id, held_change.version, services, managers[1])
    assert staff.agency(chain[3]).name == "新部"
    assert staff.unfinished() == agency_keys(chain[3].id)
    after = state_of(services, held_change)
    assert (after.state, after.decided_by) == (HeldState.EXECUTED, managers[1].account_id)
    assert done.run_id is not None
    with services.read() as connection:
        run = run_of(connection, done.run_id)
    assert (run.kind, run.cause, run.note, run.objects, run.done) == (RunKind.BULK, "rename_agency", "測試隊", 2, 0)
    with pytest.raises(IllegalMove, match="held_change_state"):
        release(held_change.id, after.version, services, managers[1])
    assert staff.recorded("held_change.held", "held_change.released", "agency.renamed") == [
        "held_change.held", "held_change.released", "agency.renamed",
    ]  # fmt: skip


def test_whoever_asked_does_not_release_it_himself(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    with pytest.raises(Denied, match="own_held_change"):
        release(held_change.id, held_change.version, services, managers[0])
    assert state_of(services, held_change) == held_change


def test_only_system_managers_release(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 101)
    staff.appoint(people[0], chain[3])
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    with pytest.raises(Denied, match="system_managers_only"):
        release(held_change.id, held_change.version, services, account_actor(people[0]))
    with pytest.raises(Denied, match="system_managers_only"):
        cancel(held_change.id, held_change.version, services, account_actor(people[0]), "不要")
    with pytest.raises(NotFound):
        release(uuid4(), 1, services, managers[1])


def test_of_two_who_release_at_the_same_moment_exactly_one_does(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    third = staff.system_manager(chain[0])
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    start = threading.Barrier(2)

    def attempt(actor: Actor) -> str:
        start.wait()
        try:
            release(held_change.id, held_change.version, services, actor)
        except HufuError as fault:
            return fault.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(attempt, (managers[1], third)))
    assert outcomes == ["done", "held_change_state"]
    assert staff.recorded("agency.renamed") == ["agency.renamed"]


def test_a_set_that_grew_is_shown_again_before_it_happens(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    (newcomer,) = staff.hire(chain[3])
    with pytest.raises(Conflict, match="held_change_grew") as grew:
        release(held_change.id, held_change.version, services, managers[1])
    assert grew.value.context["count"] == 102
    assert staff.agency(chain[3]).name == "測試隊"
    again = state_of(services, held_change)
    assert (again.state, again.count) == (HeldState.HELD, 102)
    with services.begin(SYSTEM) as work:
        assert newcomer in {one.account_id for one in work.held_changes.changes_of(held_change.id)}
    with pytest.raises(Conflict, match="changed_meanwhile"):
        release(held_change.id, held_change.version, services, managers[1])
    release(held_change.id, again.version, services, managers[1])
    assert staff.agency(chain[3]).name == "新部"


def test_a_set_that_shrank_happens(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 102)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    transfer_account(people[0], chain[1].id, services, SYSTEM)
    release(held_change.id, held_change.version, services, managers[1])
    assert state_of(services, held_change).count == 101


def test_the_same_people_from_another_place_are_another_set(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    above = chain[2]
    rename_agency(Rename(above.id, above.version, "他署", staff.today), services, OPERATOR)
    with pytest.raises(Conflict, match="held_change_grew"):
        release(held_change.id, held_change.version, services, managers[1])


def test_an_agency_changed_meanwhile_in_something_else_does_not_stand_in_the_way(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    with services.begin(SYSTEM) as work:
        work.agencies.set_mail_domains(chain[3], ["example.org"])
    release(held_change.id, held_change.version, services, managers[1])
    assert staff.agency(chain[3]).name == "新部"


def test_what_can_be_mended_stays_held_with_the_reason(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(DisableAccounts(tuple(people), "離職"), services, managers[0]))
    staff.appoint(people[0], chain[3])
    with pytest.raises(IllegalMove, match="last_manager"):
        release(held_change.id, held_change.version, services, managers[1])
    refused = state_of(services, held_change)
    assert (refused.state, refused.failure) == (HeldState.HELD, "last_manager")
    assert staff.states(people) == {AccountState.ENABLED}
    (other,) = staff.hire(chain[2])
    staff.appoint(other, chain[3])
    release(held_change.id, refused.version, services, managers[1])
    assert staff.states(people) == {AccountState.DISABLED}
    assert state_of(services, held_change).failure == ""


def test_what_can_never_be_right_ends_as_failed(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor], clock: object
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    with services.begin(SYSTEM) as work:
        work.connection.execute(
            sa.text("UPDATE held_changes SET command = jsonb_set(command, '{since}', '\"2999-01-01\"')")
        )
    with pytest.raises(Invalid):
        release(held_change.id, held_change.version, services, managers[1])
    failed = state_of(services, held_change)
    assert (failed.state, failed.failure) == (HeldState.FAILED, "invalid")
    assert staff.recorded("held_change.failed") == ["held_change.failed"]


def test_a_held_act_is_thrown_away_with_a_reason(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    staff.hire(chain[3], 101)
    held_change = held_change_in(services, submit(rename_of(chain[3], staff), services, managers[0]))
    with pytest.raises(Invalid):
        cancel(held_change.id, held_change.version, services, managers[0], "  ")
    cancel(held_change.id, held_change.version, services, managers[0], "選錯機關")
    gone = state_of(services, held_change)
    assert (gone.state, gone.reason) == (HeldState.CANCELLED, "選錯機關")
    for act in (lambda: release(held_change.id, gone.version, services, managers[1]),
                lambda: cancel(held_change.id, gone.version, services, managers[1], "再一次")):  # fmt: skip
        with pytest.raises(IllegalMove, match="held_change_state"):
            act()
    assert staff.agency(chain[3]).name == "測試隊"


# Accounts


def test_deleting_many_is_held_and_the_names_rest_after_the_release(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 101, state=AccountState.DISABLED)
    held_change = held_change_in(services, submit(DeleteAccounts(tuple(people), "離職"), services, managers[0]))
    assert staff.states(people) == {AccountState.DISABLED}
    release(held_change.id, held_change.version, services, managers[1])
    assert staff.states(people) == {AccountState.DELETED}
    with services.begin(SYSTEM) as work:
        name = work.accounts.get(people[0]).account_name
        assert not work.names.is_free(name, now=work.now)
        assert work.names.is_free(name, now=work.now + services.policy.freed_name_rest)


def test_a_bulk_transfer_lists_moves_and_lost_roles(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managers: tuple[Actor, Actor]
) -> None:
    people = staff.hire(chain[3], 8)
    staff.appoint(people[0], chain[3])
    (other,) = staff.hire(chain[2])
    staff.appoint(other, chain[3])
    command = TransferAccounts(tuple(people), chain[1].id)
    asked = submit(command, services, managers[0])
    assert isinstance(asked, Unconfirmed)
    assert asked.count == 8
    lost = [one for one in asked.changes if one.kind is ChangeKind.LOSE_ROLES]
    assert [(one.account_id, one.before) for one in lost] == [(people[0], "測試隊")]
    staff.settle()
    done = submit(command, services, managers[0], confirmed=8)
    assert isinstance(done, Done)
    assert done.run_id is not None
    assert {staff.account(one).agency_id for one in people} == {chain[1].id}
    assert staff.grants(people[0]) == []
    assert account_keys(*people) <= staff.unfinished()
    assert staff.bulk() == {True}
    with services.read() as connection:
        assert run_of(connection, done.run_id).objects == len(staff.unfinished())


def test_a_permission_is_asked_for_every_agency_an_act_touches(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    people = [*staff.hire(chain[3]), *staff.hire(chain[2])]
    (manager,) = staff.hire(chain[2])
    staff.appoint(manager, chain[2])

    with pytest.raises(NotFound):
        submit(DisableAccounts(tuple(people), "離職"), services, account_actor(manager))
    assert staff.states(people) == {AccountState.ENABLED}
    assert isinstance(submit(DisableAccounts((people[1],), "離職"), services, account_actor(manager)), Done)
