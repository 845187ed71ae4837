"""An account's life after it was opened: disabled, restored, deleted, moved to another agency, unlocked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountMove, AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.use_cases import (
    delete_account,
    disable_account,
    otp_is_missing,
    require_password_change,
    reset_otp,
    restore_account,
    suspend_account,
    unlock_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.use_cases import (
    AddUnit,
    Close,
    ImportList,
    add_unit,
    close,
    import_list,
)
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.errors import HufuError, IllegalMove, RateLimited
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.notices.store import notices
from hufu_registry.propagation.model import ActionState
from hufu_registry.sync.model import SignInLock, SignInState
from hufu_registry.sync.store import sign_in_state
from tests.kit.accounts import official_domains
from tests.kit.clocks import SetClock
from tests.kit.guard import transfer_account
from tests.kit.registry import CHAIN
from tests.kit.staff import Staff, account_keys, agency_keys

NOT_IN_USE = [state for state in AccountState if state is not AccountState.ENABLED]


def in_state(staff: Staff, agency: Agency, state: AccountState) -> AccountId:
    return staff.hire(agency, state=state)[0]


def waiting(staff: Staff, account_id: AccountId, *besides: str) -> list[tuple[str, str]]:
    return [
        (kind, target) for kind, target, state in staff.acts(account_id) if state == "waiting" and kind not in besides
    ]


# States


def test_disabling_ends_the_sessions_and_reaches_both_targets(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)
    staff.settle()
    disable_account(one, services, SYSTEM, reason="離職")
    assert staff.account(one).state is AccountState.DISABLED
    assert staff.unfinished() == account_keys(one)
    assert waiting(staff, one, "activation_mail") == [("end_sessions", "keycloak")]
    with pytest.raises(IllegalMove, match="account_state"):
        disable_account(one, services, SYSTEM, reason="離職")


def test_a_restored_account_starts_anew_and_nothing_old_opens_it(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    one = in_state(staff, chain[3], AccountState.DISABLED)
    clock.advance(days=40)
    restore_account(one, services, SYSTEM, reason="復職")
    restored = staff.account(one)
    assert (restored.state, restored.state_reason) == (AccountState.NOT_ACTIVATED, "復職")
    assert (restored.approved_at, restored.renewed_at) == (restored.created_at, clock.now())
    assert waiting(staff, one)[1:] == [
        ("reset_credentials", "ad"),
        ("reset_credentials", "keycloak"),
        ("end_sessions", "keycloak"),
        ("activation_mail", "keycloak"),
    ]
    with services.begin(SYSTEM) as work:
        late = work.accounts.unactivated_since(work.now - services.policy.activation_deadline, 10)
    assert late == [], "its time to activate counts from the restoring"
    clock.advance(days=31)
    with services.begin(SYSTEM) as work:
        late = work.accounts.unactivated_since(work.now - services.policy.activation_deadline, 10)
    assert late == [one]


def test_nobody_is_restored_into_a_closed_agency(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    one = in_state(staff, chain[3], AccountState.DISABLED)
    with services.begin(SYSTEM) as work:
        work.agencies.set_closed(chain[3], staff.today)
    with pytest.raises(IllegalMove, match="agency_closed"):
        restore_account(one, services, SYSTEM, reason="復職")


def test_deleting_ends_every_right_and_the_name_rests(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    one = in_state(staff, chain[3], AccountState.DISABLED)
    staff.appoint(one, chain[3])
    staff.settle()
    delete_account(one, services, SYSTEM, reason="離職")
    deleted = staff.account(one)
    assert (deleted.state, deleted.deleted_at) == (AccountState.DELETED, clock.now())
    assert staff.grants(one) == []
    # Nobody may need its agencies any more.
    assert staff.unfinished() == account_keys(one) | agency_keys(*(agency.id for agency in chain))
    with services.begin(SYSTEM) as work:
        assert not work.names.is_free(deleted.account_name, now=work.now)
        assert work.names.is_free(deleted.account_name, now=work.now + timedelta(days=365))
    assert staff.recorded("account.deleted", "grant.ended") == ["account.deleted", "grant.ended"]
    with pytest.raises(IllegalMove, match="account_state"):
        delete_account(in_state(staff, chain[3], AccountState.ENABLED), services, SYSTEM, reason="離職")


def test_unlocking_asks_both_targets_and_forgets_the_locks(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)
    now = clock.now()
    with services.begin(SYSTEM) as work:
        work.sign_in_locks.lock(one, SignInLock(Target.AD, now, now + timedelta(minutes=30)))
        work.sign_in_locks.lock(one, SignInLock(Target.KEYCLOAK, now, None))
    with services.read() as connection:
        state, locks = sign_in_state(connection, one, now)
        assert (state, {lock.source for lock in locks}) == (SignInState.LOCKED, {Target.AD, Target.KEYCLOAK})
        later, left = sign_in_state(connection, one, now + timedelta(hours=1))
        assert (later, {lock.source for lock in left}) == (SignInState.LOCKED, {Target.KEYCLOAK})
    unlock_account(one, services, SYSTEM)
    with services.read() as connection:
        assert sign_in_state(connection, one, now) == (SignInState.NORMAL, ())
    assert waiting(staff, one, "activation_mail") == [("unlock", "ad"), ("unlock", "keycloak")]


def test_an_older_lock_does_not_take_the_place_of_a_newer_one(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)
    now = clock.now()
    newer = SignInLock(Target.AD, now, now + timedelta(minutes=30))
    with services.begin(SYSTEM) as work:
        work.sign_in_locks.lock(one, newer)
        work.sign_in_locks.lock(one, SignInLock(Target.AD, now - timedelta(hours=1), now))
        assert not work.sign_in_locks.unlock(one, Target.KEYCLOAK)
    with services.read() as connection:
        assert sign_in_state(connection, one, now) == (SignInState.LOCKED, (newer,))


def test_a_new_otp_is_asked_for_by_a_mail_that_is_recorded_told_and_limited(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)
    reset_otp(one, services, SYSTEM)
    assert waiting(staff, one, "activation_mail") == [("otp_mail", "keycloak")]
    assert staff.recorded("account.otp_reset") == ["account.otp_reset"]
    assert told(services, "otp_reset") == [staff.account(one).mailbox]
    with pytest.raises(RateLimited, match="otp_mail_wait"):
        reset_otp(one, services, SYSTEM)
    for _ in range(services.policy.activation_mails_per_day - 1):
        clock.advance(minutes=2)
        reset_otp(one, services, SYSTEM)
    clock.advance(minutes=2)
    with pytest.raises(RateLimited, match="otp_mails_used_up"):
        reset_otp(one, services, SYSTEM)
    for state in NOT_IN_USE:
        with pytest.raises(IllegalMove, match="account_state"):
            reset_otp(in_state(staff, chain[3], state), services, SYSTEM)


def test_two_who_see_at_once_that_an_otp_is_missing_mail_once(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)
    with services.begin(SYSTEM) as lane:
        otp_is_missing(lane, services, one)
        with services.begin(SYSTEM) as comparison:
            otp_is_missing(comparison, services, one)
    with services.begin(SYSTEM) as work:
        (act,) = work.actions.waiting([one], Target.KEYCLOAK)[-1:]
        work.actions.begin(act.number)
        work.actions.close(act.number, ActionState.DONE, "done")
    # Sent; and its row, of which the worker lost the answer, is worked on once more.
    with services.begin(SYSTEM) as work:
        otp_is_missing(work, services, one)
    assert told(services, "otp_missing") == [staff.account(one).mailbox]
    assert [(kind, state) for kind, _target, state in staff.acts(one) if kind == "otp_mail"] == [("otp_mail", "done")]


def test_a_missing_otp_is_healed_by_one_mail_a_week_where_one_is_needed(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)

    def seen_without(account_id: AccountId, *, again: bool = False) -> None:
        with services.begin(SYSTEM) as work:
            otp_is_missing(work, services, account_id, again=again)

    for _ in range(3):
        seen_without(one)
    assert waiting(staff, one, "activation_mail") == [("otp_mail", "keycloak")]
    assert told(services, "otp_missing") == [staff.account(one).mailbox]
    with pytest.raises(RateLimited, match="otp_mail_wait"):
        seen_without(one, again=True)
    clock.advance(minutes=2)
    seen_without(one, again=True)
    clock.advance(days=8)
    seen_without(one)
    assert staff.recorded("account.otp_missing") == ["account.otp_missing"] * 3
    shared, *others = (in_state(staff, chain[3], state) for state in (AccountState.ENABLED, *NOT_IN_USE))
    with services.begin(SYSTEM) as work:
        work.connection.execute(sa.update(accounts).where(accounts.c.id == shared).values(kind="shared"))
    for account_id in (shared, *others):
        seen_without(account_id)
        assert waiting(staff, account_id, "activation_mail") == []


def told(services: SqlServices, notice: str) -> list[str]:
    """To whom such mails are on their way."""
    with services.begin(SYSTEM) as work:
        ids = work.connection.execute(sa.select(notices.c.id).where(notices.c.template == notice)).scalars().all()
        kept = [work.notices.get(one) for one in ids]
    return [notice.recipient for notice in kept if notice is not None]


def test_a_password_change_is_asked_of_enabled_accounts_only(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    one = in_state(staff, chain[3], AccountState.ENABLED)
    require_password_change(one, services, SYSTEM)
    assert waiting(staff, one, "activation_mail") == [("must_change", "ad")]
    for state in set(AccountState) - {AccountState.ENABLED}:
        with pytest.raises(IllegalMove, match="account_state"):
            require_password_change(in_state(staff, chain[3], state), services, SYSTEM)


@pytest.mark.parametrize("state", AccountState)
@pytest.mark.parametrize("move", [AccountMove.DISABLE, AccountMove.RESTORE, AccountMove.DELETE])
def test_each_door_makes_only_the_moves_of_the_table(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], state: AccountState, move: AccountMove
) -> None:
    doors = {
        AccountMove.DISABLE: disable_account,
        AccountMove.RESTORE: restore_account,
        AccountMove.DELETE: delete_account,
    }
    one = in_state(staff, chain[3], state)
    before = staff.account(one)
    try:
        expected = before.moved(move, now=services.clock.now(), reason="理由").state
    except IllegalMove:
        with pytest.raises(IllegalMove, match="account_state"):
            doors[move](one, services, SYSTEM, reason="理由")
        assert staff.account(one) == before
    else:
        assert doors[move](one, services, SYSTEM, reason="理由").state is expected


# Another agency


def test_a_transfer_takes_the_account_along_and_leaves_the_old_agency_s_things_behind(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    unit = add_unit(AddUnit(chain[3].id, "第一科"), services, OPERATOR)
    official_domains(services, chain[3], "team.example.tw")
    (one,) = staff.hire(
        chain[3], unit_id=unit.id, unit_name=unit.name, official_mail="wang@team.example.tw", extension="12"
    )
    staff.settle()
    transfer_account(one, chain[1].id, services, SYSTEM)
    moved = staff.account(one)
    assert (moved.agency_id, moved.agency_path) == (chain[1].id, chain[1].path)
    assert (moved.profile.unit_id, moved.profile.unit_name, moved.profile.official_mail) == (None, "", None)
    assert moved.profile.extension == "12"
    assert staff.unfinished() == account_keys(one) | agency_keys(*(agency.id for agency in chain))
    assert staff.recorded("account.transferred") == ["account.transferred"]
    version = moved.version
    transfer_account(one, chain[1].id, services, SYSTEM)
    assert staff.account(one).version == version, "a second time changes nothing"


@pytest.mark.parametrize(
    ("rooted", "subordinates", "stays"),
    [(0, True, True), (1, True, False), (2, False, False), (3, False, False)],
)
def test_a_transfer_ends_rights_not_rooted_there_nor_strictly_above_both(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], rooted: int, subordinates: bool, stays: bool
) -> None:
    """From 測試署 to a new agency beside 測試部: only 測試院 is above both."""
    beside = beside_of(services, chain)
    (one,) = staff.hire(chain[2], state=AccountState.NOT_ACTIVATED)
    staff.appoint(one, chain[rooted], subordinates=subordinates)
    transfer_account(one, beside.id, services, SYSTEM)
    assert bool(staff.grants(one)) is stays


def beside_of(services: SqlServices, chain: Sequence[Agency]) -> Agency:
    oid = f"{chain[0].oid}.20002"
    import_list(ImportList(f'{CHAIN}測試所,{oid},,,"ou=測試所,o=測試院,c=TW",\n'.encode()), services, OPERATOR)
    with services.begin(SYSTEM) as work:
        found = work.agencies.find_by_oid(oid)
    assert found is not None
    return found


def test_a_right_at_the_new_agency_stays(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    (one,) = staff.hire(chain[2])
    staff.appoint(one, chain[3])
    transfer_account(one, chain[3].id, services, SYSTEM)
    assert [grant.agency_id for grant in staff.grants(one)] == [chain[3].id]


def test_nobody_is_transferred_to_where_nobody_can_be(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    unit = add_unit(AddUnit(chain[3].id, "第一科"), services, OPERATOR)
    (one,) = staff.hire(chain[1])
    with pytest.raises(IllegalMove, match="agency_not_a_home"):
        transfer_account(one, unit.id, services, SYSTEM)
    with services.begin(SYSTEM) as work:
        work.agencies.set_closed(staff.agency(chain[3]), staff.today)
    with pytest.raises(IllegalMove, match="agency_closed"):
        transfer_account(one, chain[3].id, services, SYSTEM)
    gone = in_state(staff, chain[1], AccountState.DELETED)
    with pytest.raises(IllegalMove, match="account_state"):
        transfer_account(gone, chain[2].id, services, SYSTEM)


def test_an_agency_that_was_emptied_is_made_again_for_its_next_account(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    staff.hire(chain[3])
    staff.settle()
    with services.begin(SYSTEM) as work:  # as the worker leaves it when the last one is gone
        for key in agency_keys(chain[3].id):
            work.administration.unbind(key)
    (one,) = staff.hire(chain[3])
    assert staff.unfinished() >= agency_keys(chain[3].id) | account_keys(one)
    assert not staff.unfinished() & agency_keys(chain[2].id)


def test_a_closed_agency_is_looked_at_once_more(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    (one,) = staff.hire(chain[3], state=AccountState.DISABLED)
    delete_account(one, services, SYSTEM, reason="離職")
    staff.settle()
    agency = staff.agency(chain[3])
    close(Close(agency.id, agency.version, staff.today), services, OPERATOR)
    assert staff.unfinished() == agency_keys(agency.id)


# The last manager


def test_the_last_manager_is_neither_disabled_nor_transferred_away(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    one, other = staff.hire(chain[3], 2)
    staff.appoint(one, chain[3])
    acts: tuple[Callable[[], object], ...] = (
        lambda: disable_account(one, services, SYSTEM, reason="離職"),
        lambda: transfer_account(one, chain[1].id, services, SYSTEM),
    )
    for act in acts:
        with pytest.raises(IllegalMove, match="last_manager") as fault:
            act()
        assert fault.value.context["agency"] == chain[3].id
    assert len(staff.grants(one)) == 1
    staff.appoint(other, chain[3])
    disable_account(one, services, SYSTEM, reason="離職")
    with pytest.raises(IllegalMove, match="last_manager"):
        disable_account(other, services, SYSTEM, reason="離職")


def test_a_disabled_manager_and_one_of_another_agency_do_not_count(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    (one,) = staff.hire(chain[3])
    off = in_state(staff, chain[3], AccountState.DISABLED)
    (above,) = staff.hire(chain[2])
    for manager, agency in ((one, chain[3]), (off, chain[3]), (above, chain[2])):
        staff.appoint(manager, agency, subordinates=True)
    with pytest.raises(IllegalMove, match="last_manager"):
        disable_account(one, services, SYSTEM, reason="離職")


def test_an_emergency_takes_even_the_last_manager(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    (one,) = staff.hire(chain[3])
    staff.appoint(one, chain[3])
    suspend_account(one, services, SYSTEM)
    assert staff.account(one).state is AccountState.DISABLED


def test_the_last_system_manager_stays(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    one, other = staff.system_manager(chain[0]), staff.system_manager(chain[0])
    assert one.account_id is not None
    assert other.account_id is not None
    disable_account(one.account_id, services, other, reason="離職")
    with pytest.raises(IllegalMove, match="last_manager"):
        disable_account(other.account_id, services, SYSTEM, reason="離職")
    transfer_account(other.account_id, chain[1].id, services, SYSTEM)
    assert len(staff.grants(other.account_id)) == 1


@pytest.mark.parametrize("rooted", [3, None])
def test_of_two_managers_who_are_disabled_at_the_same_moment_one_stays(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], rooted: int | None
) -> None:
    """Never lock yourself out: tried from both sides, many times."""
    for _ in range(5):
        pair = staff.hire(chain[3], 2)
        for one in pair:
            staff.appoint(one, None if rooted is None else chain[rooted])
        start = threading.Barrier(2)

        def disable(one: AccountId, start: threading.Barrier = start) -> str:
            start.wait()
            try:
                disable_account(one, services, account_actor(one), reason="離職")
            except HufuError as fault:
                return fault.code
            return "done"

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(disable, pair)) == ["done", "last_manager"]
        for one in pair:
            if staff.account(one).state is AccountState.ENABLED:
                staff.put_in_state(AccountState.DISABLED, one)
