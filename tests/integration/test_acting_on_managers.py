"""Acting on people who have rights themselves: only with theirs, in an emergency, and never on the last one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import AccountState, DisableCause
from hufu_registry.accounts.use_cases import (
    FirstSystemManager,
    delete_account,
    disable_account,
    disable_not_activated,
    first_system_manager,
    require_password_change,
    reset_otp,
    restore_account,
    suspend_account,
    unlock_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.store import cases
from hufu_registry.cases.permissions import DECIDE_CASES
from hufu_registry.guard.use_cases import DisableAccounts, submit
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, account_actor
from hufu_registry.kernel.errors import Denied, HufuError, IllegalMove, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Role
from hufu_registry.rights.use_cases import dismiss_manager, grant_role
from tests.kit.clocks import SetClock
from tests.kit.registry import told, until_somebody_waits
from tests.kit.staff import Staff, only_looking, open_case

# Whoever has wider rights


@pytest.mark.parametrize(
    ("asks_at", "asks_below", "held_at", "held_below", "may"),
    [
        (3, False, 3, False, True),
        (2, True, 3, False, True),
        (2, True, 3, True, True),
        (3, False, 3, True, False),
        (3, True, 2, False, False),
        (3, True, None, False, False),
        (None, False, None, False, True),
        (None, False, 2, True, True),
    ],
)
def test_who_acts_on_a_person_has_that_persons_rights_at_the_same_places(
    services: SqlServices,
    staff: Staff,
    chain: Sequence[Agency],
    asks_at: int | None,
    held_at: int | None,
    *,
    asks_below: bool,
    held_below: bool,
    may: bool,
) -> None:
    asker, person, *others = staff.hire(chain[3], 4)
    for one, rooted, below in ((asker, asks_at, asks_below), (person, held_at, held_below)):
        staff.appoint(one, None if rooted is None else chain[rooted], subordinates=below)
    for one in others:
        staff.appoint(one, None if held_at is None else chain[held_at])
    acts: list[Callable[[], object]] = [
        lambda: require_password_change(person, services, account_actor(asker)),
        lambda: unlock_account(person, services, account_actor(asker)),
        lambda: reset_otp(person, services, account_actor(asker)),
        lambda: disable_account(person, services, account_actor(asker), reason="離職"),
        lambda: restore_account(person, services, account_actor(asker), reason="回任"),
        lambda: disable_account(person, services, account_actor(asker), reason="離職"),
        lambda: delete_account(person, services, account_actor(asker), reason="離職"),
    ]
    for act in acts:
        if may:
            act()
        else:
            with pytest.raises(Denied, match="wider_rights"):
                act()
    assert staff.account(person).state is (AccountState.DELETED if may else AccountState.ENABLED)


def test_many_at_once_are_disabled_only_if_each_could_be(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    asker, plain, wider, other = staff.hire(chain[3], 4)
    staff.appoint(asker, chain[3])
    for one in (wider, other):
        staff.appoint(one, chain[2], subordinates=True)
    with pytest.raises(Denied, match="wider_rights"):
        submit(DisableAccounts((plain, wider), "離職"), services, account_actor(asker))
    assert staff.states([plain, wider]) == {AccountState.ENABLED}


def test_a_right_given_while_one_waits_counts(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    """Nobody slips through between the question and the act."""
    asker, person = staff.hire(chain[3], 2)
    staff.appoint(asker, chain[3])
    staff.system_manager(chain[0])
    with services.begin(SYSTEM) as work, ThreadPoolExecutor(1) as pool:
        work.accounts.get(person, lock=True)
        grant_role(work, services, person, Role.SYSTEM_MANAGER, None)
        waits = pool.submit(require_password_change, person, services, account_actor(asker))
        until_somebody_waits(services)
        work.connection.commit()
        with pytest.raises(Denied, match="wider_rights"):
            waits.result(timeout=30)


def test_an_emergency_is_told_to_the_managers_above_and_its_cases_go_there(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    (below,) = staff.hire(chain[3])
    near, far = (staff.hire(chain[at], mailbox=f"above{at}@example.tw")[0] for at in (2, 1))
    staff.appoint(below, chain[3])
    for one, at in ((near, 2), (far, 1)):
        staff.appoint(one, chain[at], subordinates=True)
    case_id = open_case(services, chain[3])
    suspend_account(below, services, account_actor(below), reason="手機遭竊")
    account = staff.account(below)
    assert (account.state_cause, account.state_reason) == (DisableCause.SECURITY, "手機遭竊")
    assert staff.recorded("account.suspended", "account.disabled") == ["account.suspended"]
    assert told(services, "account_suspended") == ["above2@example.tw"]
    with services.read() as connection:
        decides = sa.select(cases.c.deciding_agency_id).where(cases.c.id == case_id)
        assert connection.execute(decides).scalar_one() == chain[2].id


def test_who_is_not_activated_in_time_is_disabled_but_not_who_was_meanwhile(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, activated = staff.hire(chain[3], 2, state=AccountState.NOT_ACTIVATED)
    clock.advance(days=31)
    with services.begin(SYSTEM) as work:
        monkeypatch.setattr(type(work.accounts), "unactivated_since", lambda *_: [late, activated])
    staff.put_in_state(AccountState.ENABLED, activated)
    assert disable_not_activated(services, SYSTEM) == 1
    assert staff.account(late).state_cause is DisableCause.NOT_ACTIVATED_IN_TIME
    assert staff.account(activated).state is AccountState.ENABLED


# 免除管理者


def test_a_manager_is_dismissed_but_not_the_last_one(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    asker = staff.system_manager(chain[0])
    one, other = staff.hire(chain[3], 2)
    for manager in (one, other):
        staff.appoint(manager, chain[3])
    staff.appoint(one, chain[2])
    with pytest.raises(NotFound, match="agency"):
        dismiss_manager(one, chain[3].id, services, account_actor(staff.hire(chain[3])[0]))
    with pytest.raises(Denied, match="right_missing"):
        dismiss_manager(one, chain[3].id, services, account_actor(other))
    dismiss_manager(one, chain[3].id, services, asker)
    assert [grant.agency_id for grant in staff.grants(one)] == [chain[2].id]
    assert staff.recorded("grant.ended") == ["grant.ended"]
    with pytest.raises(IllegalMove, match="not_its_manager"):
        dismiss_manager(one, chain[3].id, services, asker)
    with pytest.raises(IllegalMove, match="last_manager"):
        dismiss_manager(other, chain[3].id, services, asker)


def test_only_who_may_decide_there_counts_as_its_manager(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    """A role without that right keeps an agency for nobody while it stays, and takes it from nobody when it goes."""
    asker = staff.system_manager(chain[0])
    one, other = staff.hire(chain[3], 2)
    for manager in (one, other):
        staff.appoint(manager, chain[3])
    with only_looking():
        with services.begin(SYSTEM) as work:
            assert not work.accounts.has_other_holder(DECIDE_CASES, chain[3].id, one)
        for manager in (one, other):
            dismiss_manager(manager, chain[3].id, services, asker)
    assert not staff.grants(one)
    assert not staff.grants(other)


def test_of_two_managers_dismissed_at_the_same_moment_one_stays(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    asker = staff.system_manager(chain[0])
    pair = staff.hire(chain[3], 2)
    for one in pair:
        staff.appoint(one, chain[3])
    start = threading.Barrier(2)

    def dismiss(one: AccountId) -> str:
        start.wait()
        try:
            dismiss_manager(one, chain[3].id, services, asker)
        except HufuError as fault:
            return fault.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(dismiss, pair)) == ["done", "last_manager"]


def test_a_first_system_manager_is_made_again_only_when_none_can_sign_in(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    (only,) = staff.hire(chain[0], state=AccountState.NOT_ACTIVATED)
    staff.appoint(only, None)
    command = FirstSystemManager("sysman02", "林系統", "second@example.tw", str(chain[0].oid))
    for state in (AccountState.NOT_ACTIVATED, AccountState.ENABLED):
        staff.put_in_state(state, only)
        with pytest.raises(IllegalMove, match="system_manager_exists"):
            first_system_manager(command, services, OPERATOR)
    staff.put_in_state(AccountState.DISABLED, only)
    assert staff.grants(first_system_manager(command, services, OPERATOR))
