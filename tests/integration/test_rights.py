"""Rights are asked where they matter: in the query of a list, and in the transaction of an act."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hufu_registry.accounts.model import Account, AccountState
from hufu_registry.accounts.permissions import SEE_ACCOUNTS
from hufu_registry.accounts.store import accounts, in_scope
from hufu_registry.accounts.use_cases import (
    ChangeAccount,
    change_account,
    delete_account,
    disable_account,
    require_password_change,
    resend_activation,
    reset_otp,
    restore_account,
    unlock_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.agencies.permissions import EDIT_AGENCIES
from hufu_registry.agencies.use_cases import ImportList, LinkHistory, import_list, link_history
from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import FEATURES
from hufu_registry.kernel.actor import OPERATOR, Actor, account_actor, applicant_actor
from hufu_registry.kernel.errors import Conflict, Denied, IllegalMove, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Role
from hufu_registry.rights.model import Grant
from hufu_registry.rights.store import covered
from hufu_registry.rights.use_cases import appoint_manager
from hufu_registry.sync.use_cases import converge_now
from tests.kit.clocks import SetClock
from tests.kit.guard import transfer_account
from tests.kit.registry import CHAIN
from tests.kit.staff import Staff, given_to, grow, only_looking

NO_HISTORY = "old_name,new_name,old_oid,new_oid,change_date,ref\n"
Act = Callable[[AccountId, Staff, Actor], object]
ACTS: dict[str, tuple[AccountState, Act]] = {
    "change": (
        AccountState.ENABLED,
        lambda one, staff, actor: change_account(
            ChangeAccount(one, staff.account(one).version, staff.account(one).profile), staff.services, actor
        ),
    ),
    "converge": (AccountState.ENABLED, lambda one, staff, actor: converge_now(one, staff.services, actor)),
    "delete": (
        AccountState.DISABLED,
        lambda one, staff, actor: delete_account(one, staff.services, actor, reason="離職"),
    ),
    "disable": (
        AccountState.ENABLED,
        lambda one, staff, actor: disable_account(one, staff.services, actor, reason="離職"),
    ),
    "must change": (
        AccountState.ENABLED,
        lambda one, staff, actor: require_password_change(one, staff.services, actor),
    ),
    "resend": (AccountState.NOT_ACTIVATED, lambda one, staff, actor: resend_activation(one, staff.services, actor)),
    "reset otp": (AccountState.ENABLED, lambda one, staff, actor: reset_otp(one, staff.services, actor)),
    "restore": (
        AccountState.DISABLED,
        lambda one, staff, actor: restore_account(one, staff.services, actor, reason="復職"),
    ),
    "unlock": (AccountState.ENABLED, lambda one, staff, actor: unlock_account(one, staff.services, actor)),
}


@pytest.mark.parametrize("name", ACTS)
def test_an_act_asks_its_permission_itself(staff: Staff, chain: Sequence[Agency], clock: SetClock, name: str) -> None:
    """Nobody, a plain user, a manager elsewhere and a role that may only look are refused, and nothing changes."""
    state, act = ACTS[name]
    (one,) = staff.hire(chain[3], state=state)
    plain, elsewhere, manager = staff.hire(chain[3], 3)
    staff.appoint(elsewhere, chain[1])
    staff.appoint(manager, chain[3])
    before = staff.account(one), staff.acts(one), staff.recorded()
    for actor in (applicant_actor(), account_actor(plain), account_actor(elsewhere)):
        with pytest.raises(NotFound, match="account"):
            act(one, staff, actor)
    with only_looking(), pytest.raises(NotFound, match="account"):
        act(one, staff, account_actor(manager))
    assert (staff.account(one), staff.acts(one), staff.recorded()) == before
    clock.advance(minutes=2)
    act(one, staff, account_actor(manager))


def test_only_system_managers_transfer(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    one, manager = staff.hire(chain[3], 2)
    staff.appoint(manager, chain[0], subordinates=True)
    with pytest.raises(Denied, match="right_missing"):
        transfer_account(one, chain[1].id, services, account_actor(manager))
    assert staff.account(one).agency_id == chain[3].id
    transfer_account(one, chain[1].id, services, staff.system_manager(chain[0]))
    assert staff.account(one).agency_id == chain[1].id


@pytest.mark.parametrize("managed", [1, 3])
def test_a_transfer_asks_at_both_agencies(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], managed: int
) -> None:
    """Whatever role has the permission some day: one agency's is not enough to send people to another, or to fetch."""
    one, manager = staff.hire(chain[3], 2)
    staff.appoint(manager, chain[managed])
    with given_to(Role.AGENCY_MANAGER, EDIT_AGENCIES), pytest.raises(NotFound, match="agency"):
        transfer_account(one, chain[1].id, services, account_actor(manager))
    assert staff.account(one).agency_id == chain[3].id


def test_only_system_managers_take_over_the_governments_lists(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], administrator: Actor
) -> None:
    (manager,) = staff.hire(chain[0])
    staff.appoint(manager, chain[0], subordinates=True)
    acts: list[Callable[[Actor], object]] = [
        lambda actor: import_list(ImportList(CHAIN.encode()), services, actor),
        lambda actor: import_list(ImportList(CHAIN.encode(), dry_run=True), services, actor),
        lambda actor: link_history(LinkHistory(NO_HISTORY.encode()), services, actor),
    ]
    before = staff.recorded()
    for act in acts:
        with pytest.raises(Denied, match="system_managers_only"):
            act(account_actor(manager))
        with pytest.raises(NotFound):
            act(applicant_actor())
    assert staff.recorded() == before
    for actor in (administrator, OPERATOR):
        for act in acts:
            act(actor)


def test_a_deleted_account_is_given_no_right(services: SqlServices, staff: Staff, chain: Sequence[Agency]) -> None:
    (account_id,) = staff.hire(chain[3], state=AccountState.DELETED)
    with pytest.raises(IllegalMove) as refused:
        appoint_manager(account_id, chain[3].id, services, staff.system_manager(chain[0]))
    assert (refused.value.code, refused.value.context["move"]) == ("account_state", "appoint")
    assert not staff.grants(account_id)


def test_everybody_may_have_his_own_account_put_right(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    (one,) = staff.hire(chain[3])
    converge_now(one, services, account_actor(one))
    assert staff.recorded("account.sync_requested")


@pytest.mark.parametrize("seed", range(12))
def test_a_list_shows_exactly_what_one_asked_for_alone_would_be_allowed(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], seed: int
) -> None:
    """The SQL predicate and the function say the same, whatever tree, grants, roles and dates there are."""
    dice = random.Random(seed)
    grow(services, chain, dice)
    with services.begin() as work:
        places = [work.agencies.get(one) for one in work.agencies.at_or_below(work.agencies.get(chain[0].id))]
    for place in places:
        staff.hire(place, dice.randint(0, 2))
    (viewer,) = staff.hire(chain[0])
    with services.begin() as work:
        for _ in range(dice.randint(1, 4)):
            role, place = dice.choice(list(Role)), dice.choice(places)
            if role is Role.SYSTEM_MANAGER and dice.random() < 0.7:
                role = Role.AGENCY_MANAGER
            system = role is Role.SYSTEM_MANAGER
            work.grants.add(
                Grant(
                    id=services.ids.new(),
                    account_id=viewer,
                    role=role,
                    agency_id=None if system else place.id,
                    agency_path=None if system else place.path,
                    with_subordinates=not system and dice.random() < 0.5,
                    valid_from=work.now + timedelta(days=dice.choice([-2, -2, -2, 1])),
                    valid_until=dice.choice([None, None, work.now + timedelta(days=1), work.now - timedelta(days=1)]),
                )
            )
    with services.begin() as work:
        mine = work.grants.of(viewer)
        everybody = [
            work.accounts.get(AccountId(one)) for one in work.connection.execute(sa.select(accounts.c.id)).scalars()
        ]
        for permission in (one for feature in FEATURES for one in feature.permissions):
            condition = covered(viewer, permission, work.now, accounts.c.agency_id, accounts.c.agency_path)
            listed = set(work.connection.execute(sa.select(accounts.c.id).where(condition)).scalars())
            allowed = {
                one.id for one in everybody if mine.allows(permission, home_id=one.agency_id, path=one.agency_path)
            }
            assert listed == allowed, permission.name
        seen = set(work.connection.execute(sa.select(accounts.c.id).where(in_scope(viewer, work.now))).scalars())
        assert seen == {
            one.id for one in everybody if mine.allows(SEE_ACCOUNTS, home_id=one.agency_id, path=one.agency_path)
        }


def test_who_is_disabled_while_he_mends_his_own_data_waits_and_is_told(
    services: SqlServices, staff: Staff, chain: Sequence[Agency]
) -> None:
    """Both acts hold grants before the account: neither waits for the other in a circle."""
    for _ in range(10):
        one, other = (staff.system_manager(chain[0]) for _ in range(2))
        assert one.account_id is not None
        at, start = staff.account(one.account_id), threading.Barrier(2)
        mended = ChangeAccount(at.id, at.version, replace(at.profile, title="專員"))

        def disable(at: Account = at, other: Actor = other, start: threading.Barrier = start) -> None:
            start.wait()
            disable_account(at.id, services, other, reason="離職")

        def change(mended: ChangeAccount = mended, one: Actor = one, start: threading.Barrier = start) -> None:
            start.wait()
            with suppress(Conflict):
                change_account(mended, services, one)

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(disable), pool.submit(change)]:
                done.result()
        assert staff.account(at.id).state is AccountState.DISABLED
