"""What any directory promises besides its state, asked of the one in memory and of Samba's Active Directory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import ChangeCursor, Code
from hufu_registry.sync.model.plan import Adopt, Desired, Observed, Rename
from hufu_sync.errors import Conflict, Gone, Refused
from tests.kit.targets.target_harness import DirectoryHouse, Houses, found_of, steps

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture(params=["memory", pytest.param("samba", marks=pytest.mark.stack)])
def house(request: pytest.FixtureRequest, house_named: Houses) -> DirectoryHouse:
    found: DirectoryHouse = house_named(request.param)
    return found


def test_nobody_knows_the_password_of_a_new_account(house: DirectoryHouse, account: Desired) -> None:
    remote_id = house.make(account)
    assert not house.target.password_is_set(remote_id)
    house.choose_password(remote_id)
    assert house.target.password_is_set(remote_id)


def test_what_is_missing_though_we_know_it_is_gone_unless_it_had_to_go(house: DirectoryHouse, account: Desired) -> None:
    missing = str(uuid4())
    with pytest.raises(Gone):
        house.look(account, missing)
    assert house.look(replace(account, exists=False), missing) is None


def test_a_lock_out_is_seen_and_lifted(house: DirectoryHouse, account: Desired) -> None:
    remote_id = house.make(account)
    assert house.seen(account, remote_id).locked_at is None
    house.lock(remote_id)
    locked_at = house.seen(account, remote_id).locked_at
    assert locked_at is not None
    assert abs(datetime.now(UTC) - locked_at) < timedelta(minutes=1)
    house.target.unlock(remote_id)
    house.target.unlock(remote_id)
    assert house.seen(account, remote_id).locked_at is None


def test_it_says_how_long_it_locks(house: DirectoryHouse) -> None:
    duration = house.target.lockout_duration()
    assert duration is not None
    assert timedelta(minutes=1) <= duration <= timedelta(days=1)


def test_a_password_must_be_changed_unless_it_was_since_it_was_asked_for(
    house: DirectoryHouse, account: Desired
) -> None:
    remote_id = house.make(account)
    house.choose_password(remote_id)
    assert not house.target.must_change(remote_id, LONG_AGO), "it is newer than the wish"
    assert house.target.password_is_set(remote_id)
    assert house.target.must_change(remote_id, soon())
    assert not house.target.password_is_set(remote_id)


def test_nothing_old_opens_a_restored_account(house: DirectoryHouse, account: Desired) -> None:
    remote_id = house.make(account)
    house.choose_password(remote_id)
    assert not house.target.reset_credentials(remote_id, LONG_AGO)
    assert house.target.password_is_set(remote_id)
    assert house.target.reset_credentials(remote_id, soon())
    assert not house.target.password_is_set(remote_id)


def test_a_protected_account_is_never_touched(house: DirectoryHouse, agency: str) -> None:
    account, neighbour = house.account(agency), house.account(agency)
    remote_id, other_id = house.make(account), house.make(neighbour)
    house.protect(remote_id)
    first, second = found_of(house.target, [(account, remote_id), (neighbour, other_id)])
    assert isinstance(first, Refused)
    assert first.code is Code.PROTECTED_IN_AD
    assert isinstance(second, Observed)
    (told,) = [one for one in house.everything(Kind.ACCOUNT) if one.remote_id == remote_id]
    assert told.protected


# Somebody else's account, and how it becomes ours.


def test_an_existing_account_is_adopted_and_stays_the_same_object(house: DirectoryHouse, account: Desired) -> None:
    assert house.target.foreign(account) is None
    remote_id = house.stand_in_the_way(account)
    with pytest.raises(Conflict):
        house.look(account)
    theirs = house.target.foreign(account)
    assert theirs is not None
    assert (theirs.remote_id, theirs.mark, theirs.fields["title"]) == (remote_id, "", "theirs")
    house.target.apply(Adopt(theirs.mark), account, theirs)
    assert house.bring(account).remote_id == remote_id
    assert house.target.foreign(account) is None, "it is ours now"


def test_nobody_adopts_what_is_protected_or_ours_already(house: DirectoryHouse, account: Desired, agency: str) -> None:
    house.protect(house.stand_in_the_way(account))
    with pytest.raises(Refused) as caught:
        house.target.foreign(account)
    assert caught.value.code is Code.PROTECTED_IN_AD
    ours = house.account(agency)
    house.make(ours)
    assert house.target.foreign(ours) is None


def test_an_account_that_somebody_marked_meanwhile_is_not_adopted(house: DirectoryHouse, account: Desired) -> None:
    house.stand_in_the_way(account)
    theirs = house.target.foreign(account)
    assert theirs is not None
    house.target.apply(Adopt(theirs.mark), account, theirs)
    with pytest.raises(Conflict):
        house.target.apply(Adopt(theirs.mark), replace(account, mark="hufu:account:other"), theirs)


def test_two_agencies_side_by_side_never_have_one_name(house: DirectoryHouse, agency: str) -> None:
    one, other = house.agency(agency), house.agency(agency)
    house.make(one)
    remote_id = house.make(other)
    renamed = replace(other, name=one.name)
    observed = house.seen(renamed, remote_id)
    with pytest.raises(Conflict) as caught:
        house.target.apply(Rename(other.name, one.name), renamed, observed)
    assert caught.value.code is Code.OU_TAKEN
    assert house.seen(other, remote_id).name == other.name


# Its own list of changes.


def changed_since(house: DirectoryHouse, cursor: ChangeCursor, limit: int = 500) -> tuple[list[str], ChangeCursor]:
    """Ids, agencies first, and where the list stands now."""
    found = house.target.changes(cursor, ("title",), limit)
    assert not found.restarted
    seen = [one.remote_id for one in (*found.agencies, *found.accounts)]
    if found.more:
        more, cursor = changed_since(house, found.cursor, limit)
        return [*seen, *more], cursor
    return seen, found.cursor


def now_of(house: DirectoryHouse) -> ChangeCursor:
    found = house.target.changes(None, (), 10)
    assert (found.accounts, found.agencies, found.more, found.restarted) == ((), (), False, False)
    return found.cursor


def test_changes_are_told_once_with_where_they_stand(house: DirectoryHouse) -> None:
    start = now_of(house)
    agency_id = house.make(house.agency())
    account = house.account(agency_id)
    remote_id = house.make(account)
    found = house.target.changes(start, account.fields, 500)
    assert [one.remote_id for one in found.agencies] == [agency_id]
    (told,) = found.accounts
    assert steps(account, told) == ()
    assert changed_since(house, found.cursor)[0] == []
    house.lock(remote_id)
    seen, cursor = changed_since(house, found.cursor)
    assert seen == [remote_id]
    house.target.unlock(remote_id)
    assert changed_since(house, cursor)[0] == [remote_id]


def test_many_changes_are_told_in_parts(house: DirectoryHouse, agency: str) -> None:
    start = now_of(house)
    ids = {house.make(house.account(agency)) for _ in range(7)}
    first = house.target.changes(start, (), 3)
    assert 0 < len(first.accounts) <= 3
    assert first.more
    told, _ = changed_since(house, start, limit=3)
    assert set(told) == ids
    assert len(told) == 7
    assert set(changed_since(house, start)[0]) == ids


def test_positions_of_another_server_mean_nothing(house: DirectoryHouse) -> None:
    now = now_of(house)
    for stale in (replace(now, server="another"), replace(now, position=now.position + 1000)):
        found = house.target.changes(stale, (), 500)
        assert found.restarted
        assert found.cursor.server == now.server
        assert (found.accounts, found.agencies) == ((), ())
