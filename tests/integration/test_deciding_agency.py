"""Each case keeps who decides it, and what it keeps is what the tree, the managers and their states say."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

import hufu_registry.agencies.use_cases as agencies
import hufu_registry.cases.feature as declared
from hufu_registry.accounts.model import AccountMove, AccountState
from hufu_registry.accounts.store import accounts
from hufu_registry.accounts.use_cases import move_account
from hufu_registry.agencies.model import Agency, Path
from hufu_registry.agencies.use_cases import merge
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.model import Case, CaseState, may
from hufu_registry.cases.engine.store import cases
from hufu_registry.cases.engine.store.repository import allowed, in_scope
from hufu_registry.cases.permissions import DECIDE_CASES, SEE_CASES
from hufu_registry.cases.types.activation import ACTIVATION
from hufu_registry.cases.use_cases import assign_deciders
from hufu_registry.kernel.actor import OPERATOR, SYSTEM
from hufu_registry.kernel.errors import HufuError
from hufu_registry.kernel.ids import AccountId, AgencyId
from hufu_registry.kernel.permissions import SYSTEM_MANAGERS, Permission, Role
from hufu_registry.rights.model import Grant
from hufu_registry.rights.store import grants
from hufu_registry.rights.use_cases import appoint_manager, end_grants
from tests.kit.accounts import an_application
from tests.kit.clocks import SetClock
from tests.kit.guard import transfer_account
from tests.kit.staff import Staff, grow, open_case

Change = Callable[["ChangingTree", random.Random], None]
# What only system managers may see and decide.
SECRET = Permission("decide_secrets", SYSTEM_MANAGERS)
TYPES = {kind.name: kind for kind in (ACTIVATION, replace(ACTIVATION, name="secret", sees=SECRET, decides=SECRET))}


@pytest.fixture(autouse=True)
def _two_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared.Stores, "feature", replace(declared.FEATURE, case_types=tuple(TYPES.values())))


class ChangingTree:
    """Agencies with people and cases, and everything that could change who decides."""

    def __init__(self, services: SqlServices, staff: Staff, top: Agency, dice: random.Random) -> None:
        self.services, self.staff, self.top = services, staff, top
        self.people = [one for place in self.places() for one in staff.hire(place, dice.randint(0, 2))]
        for place in self.places():
            for kind in TYPES:
                open_case(services, place, kind)

    def places(self) -> list[Agency]:
        with self.services.begin() as work:
            found = [work.agencies.get(one) for one in work.agencies.at_or_below(work.agencies.get(self.top.id))]
        return [one for one in found if one.closed_on is None]

    def appoint(self, dice: random.Random) -> None:
        person = self.staff.account(dice.choice(self.people))
        below = [one for one in self.places() if person.agency_path.covers(one.path)]
        appoint_manager(
            person.id, dice.choice(below).id, self.services, OPERATOR, with_subordinates=dice.random() < 0.3
        )

    def dismiss(self, dice: random.Random) -> None:
        with self.services.begin() as work:
            standing = work.grants.standing(self.people)
            end_grants(work, dice.sample(standing, min(2, len(standing))), reason="test")

    def disable(self, dice: random.Random) -> None:
        self._move(dice, AccountState.ENABLED, AccountMove.DISABLE)

    def enable(self, dice: random.Random) -> None:
        self._move(dice, AccountState.DISABLED, AccountMove.RESTORE)
        self._move(dice, AccountState.NOT_ACTIVATED, AccountMove.ACTIVATE)

    def _move(self, dice: random.Random, state: AccountState, move: AccountMove) -> None:
        with self.services.begin() as work:
            among = [one for one in map(work.accounts.get, self.people) if one.state is state]
            for account in dice.sample(among, min(2, len(among))):
                move_account(work, account, move)

    def move(self, dice: random.Random) -> None:
        agency, parent = dice.sample(self.places(), 2)
        agencies.move(
            agencies.Move(agency.id, agency.version, parent.id, self.staff.today),
            self.services, OPERATOR,
        )  # fmt: skip

    def merge(self, dice: random.Random) -> None:
        agency, successor = dice.sample(self.places(), 2)
        with self.services.begin(OPERATOR) as work:
            merge(work, self.services, agency, successor.id, self.staff.today)

    def transfer(self, dice: random.Random) -> None:
        transfer_account(dice.choice(self.people), dice.choice(self.places()).id, self.services, OPERATOR)

    def apply(self, dice: random.Random) -> None:
        open_case(self.services, dice.choice(self.places()), dice.choice(list(TYPES)))


CHANGES: Sequence[Change] = (
    ChangingTree.appoint, ChangingTree.appoint, ChangingTree.dismiss, ChangingTree.disable, ChangingTree.enable, ChangingTree.move, ChangingTree.merge, ChangingTree.transfer, ChangingTree.apply,
)  # fmt: skip


def stored(services: SqlServices) -> dict[object, AgencyId | None]:
    with services.read() as connection:
        return {row.id: row.deciding_agency_id for row in connection.execute(sa.select(cases))}


def computed(services: SqlServices) -> dict[object, AgencyId | None]:
    """In Python, from the rule's words: the nearest at or above with an enabled manager rooted there."""
    now = services.clock.now()
    with services.read() as connection:
        enabled = set(connection.execute(sa.select(accounts.c.id).where(accounts.c.state == "enabled")).scalars())
        managed = {
            row.agency_id
            for row in connection.execute(sa.select(grants).where(grants.c.ended_at.is_(None)))
            if row.role == Role.AGENCY_MANAGER.value
            and row.account_id in enabled
            and row.valid_from <= now
            and (row.valid_until is None or row.valid_until > now)
        }
        found = connection.execute(sa.select(cases.c.id, cases.c.type, cases.c.agency_path)).all()
    above = {
        row.id: [one for one in Path(row.agency_path).ids if one in managed and row.type == ACTIVATION.name]
        for row in found
    }
    return {case_id: one[-1] if one else None for case_id, one in above.items()}


@pytest.mark.parametrize("seed", range(8))
def test_what_a_case_keeps_is_what_follows_from_tree_and_managers(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], seed: int
) -> None:
    dice = random.Random(seed)
    grow(services, chain, dice)
    town = ChangingTree(services, staff, chain[0], dice)
    done: list[str] = []
    seen: set[AgencyId | None] = set()
    for _ in range(25):
        change = dice.choice(CHANGES)
        try:
            change(town, dice)
            done.append(change.__name__)
        except HufuError:
            continue
        kept = stored(services)
        assert kept == computed(services), done
        seen |= set(kept.values())
    assert len(set(done)) > 4
    assert len(seen) > 1
    assert assign_deciders(services, SYSTEM) == 0


@pytest.mark.parametrize("seed", range(8))
def test_the_queue_holds_exactly_the_cases_that_each_alone_he_may_see(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], seed: int
) -> None:
    """The SQL predicate and the function say the same, whatever tree, managers, cases and types there are."""
    dice = random.Random(seed)
    grow(services, chain, dice)
    town = ChangingTree(services, staff, chain[0], dice)
    chief = staff.system_manager(chain[0]).account_id
    assert chief is not None
    for _ in range(20):
        with suppress(HufuError):
            dice.choice(CHANGES)(town, dice)
    for change in (ChangingTree.enable, *[ChangingTree.appoint] * 5):
        with suppress(HufuError):
            change(town, dice)
    shown = set()
    for viewer in (chief, *town.people):
        with services.begin() as work:
            rights, rows = work.grants.of(viewer), work.connection.execute(sa.select(cases)).all()
            queued = set(ids_of(work.connection, in_scope(viewer, work.now, TYPES)))
            assert queued == {row.id for row in rows if may(rights, TYPES[row.type].sees, *placed(row))}
            for permission in (SEE_CASES, DECIDE_CASES, SECRET):
                listed = set(ids_of(work.connection, allowed(viewer, permission, work.now)))
                assert listed == {row.id for row in rows if may(rights, permission, *placed(row))}, permission.name
            shown.add(len(queued))
    assert len(shown) > 2


def ids_of(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Sequence[UUID]:
    return connection.execute(sa.select(cases.c.id).where(condition)).scalars().all()


def placed(row: sa.Row[Any]) -> tuple[Case, AgencyId | None]:
    """The case as far as it matters who may see it, and who decides it."""
    case = Case(
        id=row.id, number=row.number, type=row.type, state=CaseState(row.state), form=an_application(),
        agency_id=row.agency_id, agency_path=Path(row.agency_path), mailbox="", language=row.language,
        consent_version="", created_at=row.created_at, updated_at=row.updated_at,
    )  # fmt: skip
    return case, row.deciding_agency_id


def test_a_right_that_ends_by_its_date_is_found_by_the_next_round(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock
) -> None:
    (manager,) = staff.hire(chain[2])
    case_id = open_case(services, chain[2])
    with services.begin(SYSTEM) as work:
        work.grants.add(dated(manager, chain[2], services))
    assert stored(services)[case_id] == chain[2].id
    clock.advance(days=2)
    assert assign_deciders(services, SYSTEM) == 1
    assert stored(services)[case_id] is None


def dated(account_id: AccountId, agency: Agency, services: SqlServices) -> Grant:
    now = services.clock.now()
    return Grant(
        id=uuid4(), account_id=account_id, role=Role.AGENCY_MANAGER, agency_id=agency.id, agency_path=agency.path,
        with_subordinates=False, valid_from=now, valid_until=now + timedelta(days=1),
    )  # fmt: skip
