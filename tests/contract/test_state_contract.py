"""What any target promises the worker, asked of those in memory, of a document system, and of the real ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan import (
    Create,
    Delete,
    Desired,
    Observed,
    Place,
    Rename,
    SetEnabled,
    SetFields,
    in_one,
)
from hufu_sync.errors import Conflict, Refused, TargetError, Transient
from tests.kit.targets.fakes import Break, FakeTarget
from tests.kit.targets.target_harness import HarnessFactory, TargetHarness, found_of, look, steps

IN_MEMORY = ("memory", "documents", "sign-in memory")
REAL = [pytest.param(name, marks=pytest.mark.stack) for name in ("samba", "keycloak", "keycloak over ad")]
# Keycloak takes a user's name from the directory.
NAMES_ITS_ACCOUNTS = pytest.mark.parametrize("harness", [*IN_MEMORY, *REAL[:1]], indirect=True)

# Whose fields may have more values than one.
KEEPS_SEVERAL = pytest.mark.parametrize("harness", ["memory", "sign-in memory", *REAL], indirect=True)

AnyHarness = TargetHarness[Any]


@pytest.fixture(params=[*IN_MEMORY, *REAL])
def harness(request: pytest.FixtureRequest, harness_named: HarnessFactory) -> AnyHarness:
    found: AnyHarness = harness_named(request.param)
    return found


def go_to(harness: AnyHarness, desired: Desired, remote_id: str) -> Observed:
    seen = harness.bring(desired, remote_id)
    assert seen.remote_id == remote_id, "it stays the same object"
    assert steps(desired, harness.seen(desired, remote_id)) == ()
    return seen


def test_it_answers_us_and_again_after_it_was_left_alone(harness: AnyHarness) -> None:
    harness.target.probe()
    harness.target.close()
    harness.target.probe()


def test_agencies_stand_as_a_tree_as_they_were_wanted(harness: AnyHarness) -> None:
    top = harness.agency()
    top_id = harness.make(top)
    child = harness.agency(top_id)
    child_id = harness.make(child)
    assert steps(top, harness.seen(top, top_id)) == steps(child, harness.seen(child, child_id)) == ()


@pytest.mark.requirement("S1-025")
def test_an_account_stands_as_it_was_wanted(harness: AnyHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    assert steps(account, harness.seen(account, harness.make(account))) == ()


def test_what_we_made_and_forgot_is_found_by_name_and_mark(harness: AnyHarness) -> None:
    agency = harness.agency()
    agency_id = harness.make(agency)
    account = harness.account(agency_id)
    account_id = harness.make(account)
    for desired, remote_id in ((agency, agency_id), (account, account_id)):
        found = harness.look(desired)
        assert found is not None
        assert found.remote_id == remote_id


def test_an_agency_begun_and_forgotten_is_found_wherever_it_stands(harness: AnyHarness) -> None:
    first, second = harness.make(harness.agency()), harness.make(harness.agency())
    agency = harness.agency(first)
    remote_id = harness.make(agency)
    elsewhere = replace(agency, name=f"{agency.name}.7", place=second)
    assert [type(step) for step in steps(elsewhere, harness.look(elsewhere, in_flight=True))] == [Rename, Place]
    go_to(harness, elsewhere, remote_id)
    for desired in (agency, replace(agency, exists=False), replace(agency, place=None, exists=False)):
        found = harness.look(desired, in_flight=True)
        assert found is not None
        assert found.remote_id == remote_id
    other = replace(harness.agency(first), exists=False)
    assert harness.look(other, in_flight=True) is None
    harness.take_away(elsewhere, remote_id)
    assert harness.look(agency, in_flight=True) is None


def test_many_are_found_at_once_in_the_order_they_were_asked_for(harness: AnyHarness) -> None:
    agency_id = harness.make(harness.agency())
    known = [harness.account(agency_id) for _ in range(3)]
    ids = [harness.make(account) for account in known]
    stranger = replace(known[1], mark="hufu:account:other", object_id="other")
    never_made = replace(harness.account(agency_id), exists=False)
    found = found_of(
        harness.target, [(known[2], ids[2]), (stranger, None), (never_made, None), (known[0], None), (known[1], ids[1])]
    )
    names = [one.name if isinstance(one, Observed) else type(one) for one in found]
    assert names == [known[2].name, Conflict, type(None), known[0].name, known[1].name]


def test_nothing_is_asked_for_nothing(harness: AnyHarness) -> None:
    assert list(harness.target.find([])) == []


def test_fields_change_and_go_and_the_others_stay(harness: AnyHarness) -> None:
    agency_id = harness.make(harness.agency())
    account = harness.account(agency_id)
    remote_id = harness.make(account)
    changing, emptied = sorted(name for name in account.fields if name in {"title", "mail", "locale", "unit_oid"})[:2]
    for values in ({changing: "en", emptied: "2.16.886.1"}, {emptied: ""}, {changing: "zh-TW"}):
        account = replace(account, fields=dict(account.fields) | values)
        planned = steps(account, harness.seen(account, remote_id))
        assert all(isinstance(step, SetFields) for step in planned)
        go_to(harness, account, remote_id)


@KEEPS_SEVERAL
def test_a_second_value_differs_and_goes_with_the_first_that_is_written(harness: AnyHarness) -> None:
    field, desired = harness.several, harness.keeps_several("2.16.1")
    remote_id = harness.make(desired)
    harness.add_value(remote_id, field, "2.16.2")
    (told,) = [one for one in harness.everything(desired.kind, *desired.fields) if one.remote_id == remote_id]
    differs = SetFields(((field, in_one(["2.16.2", "2.16.1"]), "2.16.1"),))
    assert differs in steps(desired, told)
    assert steps(desired, harness.seen(desired, remote_id)) == (differs,)
    go_to(harness, desired, remote_id)


def test_an_agency_is_described_anew_and_keeps_its_id(harness: AnyHarness) -> None:
    agency = harness.agency()
    remote_id = harness.make(agency)
    wanted = replace(agency, fields=dict(agency.fields) | {"description": "新名"})
    (step,) = steps(wanted, harness.seen(wanted, remote_id))
    assert isinstance(step, SetFields)
    go_to(harness, wanted, remote_id)


@pytest.mark.requirement("S1-006")
def test_an_account_is_disabled_and_enabled(harness: AnyHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    for state in (False, True):
        account = replace(account, enabled=state)
        (step,) = steps(account, harness.seen(account, remote_id))
        assert step == SetEnabled(before=not state, after=state)
        go_to(harness, account, remote_id)


def test_an_account_is_in_one_agency_after_it_moved(harness: AnyHarness) -> None:
    first, second = harness.make(harness.agency()), harness.make(harness.agency())
    account = harness.account(first)
    remote_id = harness.make(account)
    moved = replace(account, place=second)
    (step,) = steps(moved, harness.seen(moved, remote_id))
    assert isinstance(step, Place)
    seen = go_to(harness, moved, remote_id)
    assert (seen.place, seen.surplus) == (second, frozenset())


@NAMES_ITS_ACCOUNTS
def test_an_account_gets_another_name_and_stays_the_same_object(harness: AnyHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    name = f"n{uuid4().hex[:10]}"
    names = {"sAMAccountName": name, "userPrincipalName": f"{name}@agency.test"}
    fields = {field: names.get(field, value) for field, value in account.fields.items()}
    go_to(harness, replace(account, name=name, fields=fields), remote_id)


def test_a_renamed_agency_keeps_its_accounts_and_those_below(harness: AnyHarness) -> None:
    agency = harness.agency()
    agency_id = harness.make(agency)
    child = harness.agency(agency_id)
    child_id = harness.make(child)
    account = harness.account(child_id)
    account_id = harness.make(account)
    wanted = replace(agency, name=f"{agency.name}.7")
    (step,) = steps(wanted, harness.seen(wanted, agency_id))
    assert isinstance(step, Rename)
    go_to(harness, wanted, agency_id)
    assert steps(child, harness.seen(child, child_id)) == steps(account, harness.seen(account, account_id)) == ()


def test_an_agency_gets_another_parent_and_takes_all_below_with_it(harness: AnyHarness) -> None:
    first, second = harness.make(harness.agency()), harness.make(harness.agency())
    child = harness.agency(first)
    child_id = harness.make(child)
    account = harness.account(child_id)
    account_id = harness.make(account)
    go_to(harness, replace(child, place=second), child_id)
    assert steps(account, harness.seen(account, account_id)) == ()


def test_somebody_elses_account_is_never_ours(harness: AnyHarness) -> None:
    account = harness.account(harness.make(harness.agency()))
    remote_id = harness.make(account)
    stranger = replace(account, mark="hufu:account:other", object_id="other")
    with pytest.raises(Conflict):
        harness.look(stranger)
    with pytest.raises(Conflict):
        harness.look(stranger, remote_id)
    assert harness.look(replace(stranger, exists=False)) is None
    assert steps(account, harness.seen(account, remote_id)) == ()


def test_somebody_elses_agency_is_never_ours(harness: AnyHarness) -> None:
    agency = harness.agency()
    harness.make(agency)
    stranger = replace(agency, mark="hufu:agency:other", object_id="other")
    with pytest.raises(Conflict):
        harness.look(stranger)
    with pytest.raises(Conflict):
        harness.target.apply(Create(stranger), stranger, None)


def test_an_agency_gets_no_name_that_another_has_beside_it(harness: AnyHarness) -> None:
    above = harness.make(harness.agency())
    standing = harness.agency(above)
    standing_id = harness.make(standing)
    elsewhere, beside = harness.agency(harness.make(harness.agency()), standing.name), harness.agency(above)
    for agency, wanted, step in (
        (elsewhere, replace(elsewhere, place=above), Place(elsewhere.place, above)),
        (beside, replace(beside, name=standing.name), Rename(beside.name, standing.name)),
    ):
        remote_id = harness.make(agency)
        with pytest.raises(Conflict):
            harness.target.apply(step, wanted, harness.seen(wanted, remote_id))
        assert steps(agency, harness.seen(agency, remote_id)) == ()
    assert steps(standing, harness.seen(standing, standing_id)) == ()


def test_an_account_goes_and_may_be_gone_already(harness: AnyHarness) -> None:
    agency_id = harness.make(harness.agency())
    account = harness.account(agency_id)
    remote_id = harness.make(account)
    seen = harness.seen(account, remote_id)
    harness.take_away(account, remote_id)
    gone = replace(account, exists=False)
    assert harness.look(gone, remote_id) is None
    assert harness.look(gone) is None
    harness.target.apply(Delete(seen.address), gone, seen)


def test_an_agency_goes_only_when_nothing_is_left_in_it(harness: AnyHarness) -> None:
    agency = harness.agency()
    agency_id = harness.make(agency)
    child = harness.agency(agency_id)
    child_id = harness.make(child)
    account = harness.account(child_id)
    account_id = harness.make(account)
    for desired, remote_id in ((agency, agency_id), (child, child_id)):
        with pytest.raises(Transient) as caught:
            harness.take_away(desired, remote_id)
        assert caught.value.code is Code.OU_NOT_EMPTY, "ours leave by themselves"
    assert steps(account, harness.seen(account, account_id)) == ()
    harness.take_away(account, account_id)
    for desired, remote_id in ((child, child_id), (agency, agency_id)):
        harness.take_away(desired, remote_id)
        assert harness.look(replace(desired, exists=False), remote_id) is None
        harness.take_away(desired, remote_id)


def test_everything_of_ours_is_told_from_the_top_down(harness: AnyHarness) -> None:
    top = harness.agency()
    top_id = harness.make(top)
    child = harness.agency(top_id)
    child_id = harness.make(child)
    accounts = [harness.account(child_id) for _ in range(2)]
    ids = [harness.make(account) for account in accounts]
    agencies = harness.everything(Kind.AGENCY, *top.fields)
    order = [agency.remote_id for agency in agencies]
    assert order.index(top_id) < order.index(child_id)
    assert len(set(order)) == len(order)
    told = {agency.remote_id: agency for agency in agencies}
    assert steps(top, told[top_id]) == steps(child, told[child_id]) == ()
    all_accounts = {account.remote_id: account for account in harness.everything(Kind.ACCOUNT, *accounts[0].fields)}
    for account, remote_id in zip(accounts, ids, strict=True):
        assert steps(account, all_accounts[remote_id]) == ()
        assert all_accounts[remote_id].mark == account.mark
    assert not set(order) & set(all_accounts)


class TestInMemoryAlone:
    """How the one in memory breaks: each way leaves behind what the real ones leave behind."""

    @pytest.mark.parametrize("how", Break)
    def test_a_broken_step_says_how_and_what_it_did(self, how: Break) -> None:
        target = FakeTarget()
        harness = TargetHarness(target)
        target.breaks(how, when="Create account", times=1)
        account = harness.account(None)
        with pytest.raises(TargetError) as caught:
            target.apply(Create(account), account, None)
        error, afterwards = how.value
        assert caught.value is error
        assert (look(target, account) is not None) is afterwards
        harness.bring(account)
        assert len(target.of(account.mark)) == 1

    def test_one_spoilt_object_leaves_the_others(self) -> None:
        target = FakeTarget()
        harness = TargetHarness(target)
        accounts = [harness.account(None) for _ in range(2)]
        for account in accounts:
            harness.make(account)
        target.spoil(accounts[0].mark, Refused(Code.AD_NO_RIGHTS))
        first, second = found_of(target, [(account, None) for account in accounts])
        assert isinstance(first, Refused)
        assert isinstance(second, Observed)
