"""Two at the same moment: a right that goes while an act runs, and acts that would wait for each other in a circle."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa

import hufu_registry.agencies.use_cases as agencies
from hufu_registry.accounts.use_cases import (
    ChangeAccount,
    activate_account,
    change_account,
    delete_account,
    disable_account,
    restore_account,
    unlock_account,
)
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.engine.model import Case, CaseState
from hufu_registry.cases.engine.store import cases
from hufu_registry.cases.use_cases import (
    Approve,
    ChangeCase,
    Reject,
    Withdraw,
    approve,
    assign_deciders,
    change_case,
    reject,
    withdraw,
)
from hufu_registry.guard.model import Held
from hufu_registry.guard.use_cases import (
    DisableAccounts,
    ImportAgencies,
    MoveAgency,
    RenameAgency,
    cancel,
    release,
    submit,
)
from hufu_registry.guard.use_cases.commands import Joined
from hufu_registry.kernel.actor import OPERATOR, SYSTEM, Actor, account_actor
from hufu_registry.kernel.errors import Denied, HufuError, NotFound
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.people.model import Purpose
from hufu_registry.policy.use_cases import ChangeSetting, change_setting
from hufu_registry.rights.use_cases import appoint_manager, end_grants
from hufu_registry.sync.model import MISSING
from hufu_registry.sync.use_cases import (
    converge_agency,
    converge_now,
    make_again,
    pause_target,
    request_comparison,
    request_plan,
    resume_target,
)
from tests.kit.cases import APPLICANT, CaseOffice
from tests.kit.clocks import SetClock
from tests.kit.guard import transfer_account
from tests.kit.registry import CHAIN, until_somebody_waits
from tests.kit.staff import Staff
from tests.kit.sync_scenes import drifted


@dataclass(frozen=True)
class Place:
    """An agency with somebody to act on, and a system manager who acts."""

    staff: Staff
    chain: Sequence[Agency]
    account_id: AccountId
    asker: Actor

    @property
    def version(self) -> int:
        return self.staff.account(self.account_id).version

    def key(self) -> OutboxKey:
        return OutboxKey(Target.KEYCLOAK, Kind.ACCOUNT, str(self.account_id))


ANOTHER = '測試所,2.16.886.101.29999.20009,,,"ou=測試所,o=測試院,c=TW",\n'
Act = Callable[[Place, SqlServices], object]
ACTS: dict[str, Act] = {
    "add_unit": lambda at, to: agencies.add_unit(agencies.AddUnit(at.chain[3].id, "新組"), to, at.asker),
    "appoint": lambda at, to: appoint_manager(at.account_id, at.chain[3].id, to, at.asker),
    "change": lambda at, to: change_account(
        ChangeAccount(at.account_id, at.version, replace(at.staff.account(at.account_id).profile, title="專員")),
        to, at.asker,
    ),
    "change setting": lambda at, to: change_setting(ChangeSetting("code_tries", "3"), to, at.asker),
    "compare": lambda at, to: request_comparison(Target.AD, to, at.asker),
    "converge agency": lambda at, to: converge_agency(at.chain[3].id, to, at.asker),
    "converge now": lambda at, to: converge_now(at.account_id, to, at.asker),
    "disable": lambda at, to: disable_account(at.account_id, to, at.asker, reason="離職"),
    "disable many": lambda at, to: submit(DisableAccounts((at.account_id,), "離職"), to, at.asker),
    "import": lambda at, to: agencies.import_list(agencies.ImportList((CHAIN + ANOTHER).encode()), to, at.asker),
    "make again": lambda at, to: make_again(at.key(), to, at.asker),
    "pause": lambda at, to: pause_target(Target.AD, "檢修", to, at.asker),
    "plan": lambda at, to: request_plan(at.chain[3].id, None, to, at.asker),
    "rename": lambda at, to: submit(
        RenameAgency(at.chain[3].id, None, "新名", at.staff.today), to, at.asker, confirmed=1000
    ),
    "transfer": lambda at, to: transfer_account(at.account_id, at.chain[2].id, to, at.asker),
    "unlock": lambda at, to: unlock_account(at.account_id, to, at.asker),
}  # fmt: skip


@pytest.fixture
def staff(services: SqlServices) -> Staff:
    return Staff(services)


@pytest.fixture
def place(staff: Staff, chain: Sequence[Agency]) -> Place:
    (account_id,) = staff.hire(chain[3])
    made = Place(staff, chain, account_id, staff.system_manager(chain[0]))
    drifted(staff.services, made.key(), **{MISSING: ("", "")})
    return made


def take_away(place: Place) -> None:
    assert place.asker.account_id is not None
    with place.staff.services.begin(SYSTEM) as work:
        end_grants(work, work.grants.standing([place.asker.account_id]), reason="test")


@pytest.mark.parametrize("name", ACTS)
def test_a_right_that_went_while_the_act_waited_is_not_there(services: SqlServices, place: Place, name: str) -> None:
    before = place.staff.recorded()
    assert place.asker.account_id is not None
    with ThreadPoolExecutor(1) as pool:
        with services.begin(SYSTEM) as work:
            end_grants(work, work.grants.standing([place.asker.account_id]), reason="test")
            act = pool.submit(ACTS[name], place, services)
            until_somebody_waits(services)
        with pytest.raises((Denied, NotFound)):
            act.result(20)
    assert place.staff.recorded() == [*before, "grant.ended"]


@pytest.mark.parametrize("name", ACTS)
def test_a_right_stays_until_the_act_is_done_that_asked_for_it(services: SqlServices, place: Place, name: str) -> None:
    before = len(place.staff.recorded())
    with ThreadPoolExecutor(1) as pool:
        with services.begin(place.asker) as work:
            ACTS[name](place, Joined(services, work))  # type: ignore[arg-type]
            taking_away = pool.submit(take_away, place)
            until_somebody_waits(services)
        taking_away.result(20)
    assert place.staff.recorded()[-1] == "grant.ended"
    assert len(place.staff.recorded()) > before + 1


OF_A_CASE: dict[str, Callable[[Case, str, SqlServices, Actor], object]] = {
    "approve": lambda case, _browser, to, asker: approve(Approve(case.id, case.version), to, asker),
    "change": lambda case, browser, to, _asker: change_case(
        ChangeCase(browser, case.id, case.version, case.form), to, APPLICANT
    ),
    "reject": lambda case, _browser, to, asker: reject(Reject(case.id, case.version, "資料不符"), to, asker),
    "withdraw": lambda case, browser, to, _asker: withdraw(Withdraw(browser, case.id), to, APPLICANT),
}


@pytest.mark.parametrize("name", OF_A_CASE)
def test_whoever_waits_for_the_tree_holds_no_case(place: Place, clock: SetClock, name: str) -> None:
    """An import holds the whole tree, and writes into the cases where their agencies stand now."""
    services = place.staff.services
    office = CaseOffice(services, place.chain, clock)
    case = office.case(office.apply(mailbox="a@example.org"))
    browser = office.follow("a@example.org")
    with ThreadPoolExecutor(1) as pool:
        with services.begin(SYSTEM) as work:
            work.agencies.lock_tree(whole=True)
            act = pool.submit(OF_A_CASE[name], case, browser, services, place.asker)
            until_somebody_waits(services)
            work.connection.execute(sa.select(cases.c.id).with_for_update(nowait=True))
        act.result(20)
    assert office.case(case.id).version == case.version + 1


class Crowd:
    """System managers, one of them a manager of an agency too, managers and others, who act on one another; and
    applicants, whose cases they decide.
    """

    def __init__(self, staff: Staff, chain: Sequence[Agency], clock: SetClock) -> None:
        self.staff, self.services, self.chain = staff, staff.services, chain
        self.office = CaseOffice(self.services, chain, clock)
        self.held: list[UUID] = []
        self.system = staff.hire(chain[3], 3)
        self.managers = staff.hire(chain[3], 2) + staff.hire(chain[2], 2)
        self.people = [*self.system, *self.managers, *staff.hire(chain[3], 2)]
        for one in self.system:
            staff.appoint(one, None)
        for one, agency in zip([self.system[0], *self.managers], [3, 3, 3, 2, 2], strict=True):
            staff.appoint(one, chain[agency], subordinates=True)
        self.unit = agencies.add_unit(agencies.AddUnit(chain[3].id, "測試組"), self.services, OPERATOR)
        self.cases = {}
        for browser in (f"applicant{number}" for number in range(6)):
            for purpose in (Purpose.APPLY, Purpose.FOLLOW):
                self.office.prove(browser, f"{browser}@example.org", purpose)
            self.cases[browser] = self.office.file(browser)

    def act(self, dice: random.Random) -> None:
        askers = [*self.system, *self.system, *self.managers]
        # Somebody who loses no right, so that acts go on to the end.
        asker = OPERATOR if dice.randrange(3) == 0 else account_actor(dice.choice(askers))
        whom, other = dice.sample(self.people, 2)
        agency = dice.choice(self.chain[2:4])
        services, today = self.services, self.staff.today
        at = self.staff.account(whom)
        acts: list[Callable[[], object]] = [
            partial(disable_account, whom, services, asker, reason="離職"),
            partial(delete_account, whom, services, asker, reason="離職"),
            partial(self.restore, whom, asker),
            partial(transfer_account, whom, agency.id, services, asker),
            partial(appoint_manager, whom, agency.id, services, asker),
            partial(
                change_account,
                ChangeAccount(whom, at.version, replace(at.profile, title=dice.choice("ABCDE"))), services, asker,
            ),
            partial(submit, DisableAccounts((whom, other), "離職"), services, asker, confirmed=1000),
            partial(submit, RenameAgency(agency.id, None, f"名{dice.random()}", today), services, asker, confirmed=1000),
            partial(agencies.rename, agencies.Rename(self.unit.id, self.version(), f"組{dice.random()}", today), services, asker),
            *[partial(self.move, dice, asker)] * 3,
            partial(self.make_again, OutboxKey(Target.AD, Kind.ACCOUNT, str(whom)), asker),
            partial(pause_target, Target.AD, "檢修", services, asker),
            partial(resume_target, Target.AD, services, asker),
            partial(self.hold, whom, other),
            partial(self.decide_held, dice, asker),
            partial(submit, self.list_file(dice), services, asker, confirmed=1000),
            partial(assign_deciders, services, SYSTEM),
            partial(converge_agency, agency.id, services, asker),
            partial(request_plan, agency.id, None, services, asker),
            *[partial(self.decide, dice, asker), partial(self.change_case, dice, agency)] * 3,
        ]  # fmt: skip
        dice.choice(acts)()

    def version(self) -> int:
        return self.staff.agency(self.unit).version

    def make_again(self, key: OutboxKey, asker: Actor) -> None:
        drifted(self.services, key, **{MISSING: ("", "")})
        make_again(key, self.services, asker)

    def restore(self, whom: AccountId, asker: Actor) -> None:
        restore_account(whom, self.services, asker, reason="復職")
        activate_account(whom, self.services, SYSTEM)

    def move(self, dice: random.Random, asker: Actor) -> None:
        parents = dice.choice([(3, 1), (3, 2), (2, 1), (2, 0)])
        moving, parent = (self.chain[one].id for one in parents)
        submit(MoveAgency(moving, None, parent, self.staff.today), self.services, asker, confirmed=1000)

    def hold(self, *whom: AccountId) -> None:
        """An operator's, without anybody to confirm it."""
        outcome = submit(DisableAccounts(whom, "離職"), self.services, OPERATOR)
        if isinstance(outcome, Held):
            self.held.append(outcome.held_id)

    def decide_held(self, dice: random.Random, asker: Actor) -> None:
        if self.held:
            held_id = dice.choice(self.held)
            if dice.randrange(2):
                release(held_id, 1, self.services, asker)
            else:
                cancel(held_id, 1, self.services, asker, reason="誤送")

    def list_file(self, dice: random.Random) -> ImportAgencies:
        text = CHAIN.replace("測試署", dice.choice(["測試署", "新署"]))
        return ImportAgencies(agencies.ImportList(text.encode()), "list.csv")

    def decide(self, dice: random.Random, asker: Actor) -> None:
        case = self.office.case(dice.choice(list(self.cases.values())))
        if dice.randrange(4):
            approve(Approve(case.id, case.version), self.services, asker)
        else:
            reject(Reject(case.id, case.version, "資料不符"), self.services, asker)

    def change_case(self, dice: random.Random, agency: Agency) -> None:
        """The applicant goes elsewhere, takes it back, or applies again where it is decided."""
        browser, case_id = dice.choice(list(self.cases.items()))
        case = self.office.case(case_id)
        if case.state is not CaseState.PENDING:
            self.cases[browser] = self.office.file(browser, self.office.form(agency))
        elif dice.randrange(6):
            form = self.office.form(agency)
            change_case(ChangeCase(browser, case_id, case.version, form), self.services, APPLICANT)
        else:
            withdraw(Withdraw(browser, case_id), self.services, APPLICANT)


@pytest.mark.parametrize("seed", range(3))
def test_whoever_acts_beside_whom_nobody_waits_in_a_circle(
    services: SqlServices, staff: Staff, chain: Sequence[Agency], clock: SetClock, seed: int
) -> None:
    """PostgreSQL would end one of them with an error that is none of the rules'."""
    crowd = Crowd(staff, chain, clock)
    before = len(staff.recorded())

    def acts(number: int) -> None:
        dice = random.Random(f"{seed} {number}")
        for _ in range(40):
            try:
                crowd.act(dice)
            except HufuError:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(acts, range(4)))
    assert len(staff.recorded()) > before + 20
