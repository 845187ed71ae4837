"""What any directory promises besides its state, asked of the one in memory and of Samba's Active Directory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model import BARS, ChangeCursor, Code
from hufu_registry.sync.model.plan import Adopt, Desired, Observed, Rename, SetFields
from hufu_sync.errors import Conflict, Gone, Refused
from tests.kit.targets.target_harness import BARRED, DirectoryHarness, HarnessFactory, found_of, steps

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture(params=["memory", pytest.param("samba", marks=pytest.mark.stack)])
def harness(request: pytest.FixtureRequest, harness_named: HarnessFactory) -> DirectoryHarness:
    found: DirectoryHarness = harness_named(request.param)
    return found


def test_nobody_knows_the_password_of_a_new_account(harness: DirectoryHarness, account: Desired) -> None:
    remote_id = harness.make(account)
    assert not harness.target.password_is_set(remote_id)
    harness.choose_password(remote_id)
    assert harness.target.password_is_set(remote_id)


def test_what_is_missing_though_we_know_it_is_gone_unless_it_had_to_go(
    harness: DirectoryHarness, account: Desired
) -> None:
    missing = str(uuid4())
    with pytest.raises(Gone):
        harness.look(account, missing)
    assert harness.look(replace(account, exists=False), missing) is None


def test_a_lock_out_is_seen_and_lifted(harness: DirectoryHarness, account: Desired) -> None:
    remote_id = harness.make(account)
    assert harness.seen(account, remote_id).locked_at is None
    harness.lock(remote_id)
    locked_at = harness.seen(account, remote_id).locked_at
    assert locked_at is not None
    assert abs(datetime.now(UTC) - locked_at) < timedelta(minutes=1)
    harness.target.unlock(remote_id)
    harness.target.unlock(remote_id)
    assert harness.seen(account, remote_id).locked_at is None


def test_it_says_how_long_it_locks(harness: DirectoryHarness) -> None:
    duration = harness.target.lockout_duration()
    assert duration is not None
    assert timedelta(minutes=1) <= duration <= timedelta(days=1)


def test_a_password_must_be_changed_unless_it_was_since_it_was_asked_for(
    harness: DirectoryHarness, account: Desired
) -> None:
    remote_id = harness.make(account)
    harness.choose_password(remote_id)
    assert not harness.target.must_change(remote_id, LONG_AGO), "it is newer than the wish"
    assert harness.target.password_is_set(remote_id)
    assert harness.target.must_change(remote_id, soon())
    assert not harness.target.password_is_set(remote_id)


def test_nothing_old_opens_a_restored_account(harness: DirectoryHarness, account: Desired) -> None:
    remote_id = harness.make(account)
    harness.choose_password(remote_id)
    assert not harness.target.reset_credentials(remote_id, LONG_AGO)
    assert harness.target.password_is_set(remote_id)
    assert harness.target.reset_credentials(remote_id, soon())
    assert not harness.target.password_is_set(remote_id)


def test_a_protected_account_is_never_touched(harness: DirectoryHarness, agency: str) -> None:
    account, neighbour = harness.account(agency), harness.account(agency)
    remote_id, other_id = harness.make(account), harness.make(neighbour)
    harness.protect(remote_id)
    first, second = found_of(harness.target, [(account, remote_id), (neighbour, other_id)])
    assert isinstance(first, Refused)
    assert first.code is Code.PROTECTED_IN_AD
    assert isinstance(second, Observed)
    (told,) = [one for one in harness.everything(Kind.ACCOUNT) if one.remote_id == remote_id]
    assert told.protected


def test_what_keeps_its_owner_out_is_one_field_and_goes(harness: DirectoryHarness, agency: str) -> None:
    account = harness.account(agency, **{BARS: ""})
    remote_id = harness.make(account)
    assert steps(account, harness.seen(account, remote_id)) == ()
    harness.bar(remote_id)
    (told,) = [one for one in harness.everything(Kind.ACCOUNT, *account.fields) if one.remote_id == remote_id]
    planned = SetFields(((BARS, BARRED, ""),))
    assert steps(account, told) == steps(account, harness.seen(account, remote_id)) == (planned,)
    assert told.enabled
    assert steps(account, harness.bring(account, remote_id)) == ()


# Somebody else's account, and how it becomes ours.


def test_an_existing_account_is_adopted_and_stays_the_same_object(harness: DirectoryHarness, account: Desired) -> None:
    assert harness.target.foreign(account) is None
    remote_id = harness.stand_in_the_way(account)
    with pytest.raises(Conflict):
        harness.look(account)
    theirs = harness.target.foreign(account)
    assert theirs is not None
    assert (theirs.remote_id, theirs.mark, theirs.fields["title"]) == (remote_id, "", "theirs")
    harness.target.apply(Adopt(theirs.mark), account, theirs)
    assert harness.bring(account).remote_id == remote_id
    assert harness.target.foreign(account) is None, "it is ours now"


def test_nobody_adopts_what_is_protected_or_ours_already(
    harness: DirectoryHarness, account: Desired, agency: str
) -> None:
    harness.protect(harness.stand_in_the_way(account))
    with pytest.raises(Refused) as caught:
        harness.target.foreign(account)
    assert caught.value.code is Code.PROTECTED_IN_AD
    ours = harness.account(agency)
    harness.make(ours)
    assert harness.target.foreign(ours) is None


def test_an_account_that_somebody_marked_meanwhile_is_not_adopted(harness: DirectoryHarness, account: Desired) -> None:
    harness.stand_in_the_way(account)
    theirs = harness.target.foreign(account)
    assert theirs is not None
    harness.target.apply(Adopt(theirs.mark), account, theirs)
    with pytest.raises(Conflict):
        harness.target.apply(Adopt(theirs.mark), replace(account, mark="hufu:account:other"), theirs)


def test_two_agencies_side_by_side_never_have_one_name(harness: DirectoryHarness, agency: str) -> None:
    one, other = harness.agency(agency), harness.agency(agency)
    harness.make(one)
    remote_id = harness.make(other)
    renamed = replace(other, name=one.name)
    observed = harness.seen(renamed, remote_id)
    with pytest.raises(Conflict) as caught:
        harness.target.apply(Rename(other.name, one.name), renamed, observed)
    assert caught.value.code is Code.OU_TAKEN
    assert harness.seen(other, remote_id).name == other.name


# Its own list of changes.


def changed_since(harness: DirectoryHarness, cursor: ChangeCursor, limit: int = 500) -> tuple[list[str], ChangeCursor]:
    """Ids, agencies first, and where the list stands now."""
    found = harness.target.changes(cursor, ("title",), limit)
    assert not found.restarted
    seen = [one.remote_id for one in (*found.agencies, *found.accounts)]
    if found.more:
        more, cursor = changed_since(harness, found.cursor, limit)
        return [*seen, *more], cursor
    return seen, found.cursor


def now_of(harness: DirectoryHarness) -> ChangeCursor:
    found = harness.target.changes(None, (), 10)
    assert (found.accounts, found.agencies, found.more, found.restarted) == ((), (), False, False)
    return found.cursor


def test_changes_are_told_once_with_where_they_stand(harness: DirectoryHarness) -> None:
    start = now_of(harness)
    agency_id = harness.make(harness.agency())
    account = harness.account(agency_id)
    remote_id = harness.make(account)
    found = harness.target.changes(start, account.fields, 500)
    assert [one.remote_id for one in found.agencies] == [agency_id]
    (told,) = found.accounts
    assert steps(account, told) == ()
    assert changed_since(harness, found.cursor)[0] == []
    harness.lock(remote_id)
    seen, cursor = changed_since(harness, found.cursor)
    assert seen == [remote_id]
    harness.target.unlock(remote_id)
    assert changed_since(harness, cursor)[0] == [remote_id]


def test_what_is_moved_out_is_told_apart_with_where_it_stands_and_comes_back(
    harness: DirectoryHarness, account: Desired
) -> None:
    remote_id = harness.make(account)
    start = now_of(harness)
    place = harness.move_out(remote_id, account.name)
    found = harness.target.changes(start, account.fields, 500)
    assert list(found.accounts) == []
    (told,) = found.outside
    assert (told.remote_id, told.mark, told.place) == (remote_id, account.mark, place)
    assert steps(account, harness.bring(account, remote_id)) == ()
    back = harness.target.changes(found.cursor, (), 500)
    assert ([one.remote_id for one in back.accounts], list(back.outside)) == ([remote_id], [])


def test_many_changes_are_told_in_parts(harness: DirectoryHarness, agency: str) -> None:
    start = now_of(harness)
    ids = {harness.make(harness.account(agency)) for _ in range(7)}
    first = harness.target.changes(start, (), 3)
    assert 0 < len(first.accounts) <= 3
    assert first.more
    told, _ = changed_since(harness, start, limit=3)
    assert set(told) == ids
    assert len(told) == 7
    assert set(changed_since(harness, start)[0]) == ids


def test_positions_of_another_server_mean_nothing(harness: DirectoryHarness) -> None:
    now = now_of(harness)
    for stale in (replace(now, server="another"), replace(now, position=now.position + 1000)):
        found = harness.target.changes(stale, (), 500)
        assert found.restarted
        assert found.cursor.server == now.server
        assert (found.accounts, found.agencies) == ((), ())
