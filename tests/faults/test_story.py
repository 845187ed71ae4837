"""One story of thirty steps: people go on with their work while everything fails around them, and in the end all agree.

HUFU_STORY_SEED chooses other people for the same steps.
"""

from __future__ import annotations

import base64
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from hufu_registry.accounts.model import AccountState
from hufu_registry.kernel.errors import Conflict
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Code
from hufu_stack.directory import DOMAIN_DN
from hufu_stack.stack import Stack
from tests.kit.faults.consistency import bindings_of, disagreements
from tests.kit.faults.fault_injection import FaultInjection, faults_of, settle, tells
from tests.kit.faults.processes import QUICK, ended
from tests.kit.faults.proxy import Fault
from tests.kit.faults.world import Office, office_on, until

SEED = int(os.environ.get("HUFU_STORY_SEED", "2026"))
LONGER_THAN_A_CALL = float(QUICK["HUFU_CALL_SECONDS"]) + 0.5
IN_THE_END = 90.0
WRITE = "^(add|modify|move) (?!.*probe)"


@dataclass
class Tale:
    office: Office
    faults: FaultInjection
    dice: random.Random
    officials: list[AccountId] = field(default_factory=list)
    unlucky: AccountId | None = None
    stranger: str = ""

    def approve(self, agency: str = "北", count: int = 1) -> AccountId:
        made = [self.office.approve(agency) for _ in range(count)]
        self.officials += made
        return made[-1]

    def someone(self, *states: AccountState) -> AccountId:
        """An official in one of these states (able to sign in, without any), whose account is done everywhere."""
        wanted = states or (AccountState.NOT_ACTIVATED, AccountState.ENABLED)

        def settled() -> list[AccountId]:
            return [
                each
                for each in self.officials
                if self.office.account(each).state in wanted and self.office.is_done(each)
            ]

        until(lambda: bool(settled()))
        return self.dice.choice(settled())

    def hurting(self, server: str, request: str, fault: Fault, act: Callable[[], object]) -> None:
        """The act's next such request is hurt; returns once it is."""
        proxy = self.faults.proxies[server]
        before = proxy.hurt
        proxy.at_next(request, fault)
        act()
        until(lambda: proxy.hurt > before)

    def rename(self, agency: str) -> None:
        name = self.office.agency(agency).name
        self.office.rename_agency(agency, name[:-1] if name.endswith("新") else f"{name}新")

    def other_agency(self, account_id: AccountId) -> str:
        return "南" if self.office.account(account_id).agency_id == self.office.agencies["北"] else "北"

    def transfer(self, account_id: AccountId) -> None:
        self.office.transfer(account_id, self.other_agency(account_id))


def people_are_approved(tale: Tale) -> None:
    tale.approve("北", 4)
    tale.approve("南", 3)


def the_directory_is_killed_before_a_write(tale: Tale) -> None:
    someone = tale.someone()
    tale.faults.stack.kill("directory")
    tale.office.change(someone, title="專員")
    tale.approve("北")
    until(lambda: tells(tale.office, Target.AD) is not None)
    tale.faults.stack.start(["directory"])


def the_directory_is_killed_in_a_write(tale: Tale) -> None:
    tale.hurting("directory", WRITE, Fault.FREEZE, tale.approve)
    tale.faults.stack.kill("directory")
    tale.faults.proxies["directory"].heal()
    tale.faults.stack.start(["directory"])


def the_directory_is_killed_after_a_write(tale: Tale) -> None:
    someone = tale.someone()
    tale.hurting("directory", WRITE, Fault.LOSE, lambda: tale.office.change(someone, phone="02-11111111"))
    tale.faults.stack.kill("directory")
    tale.faults.stack.start(["directory"])


def the_directory_is_frozen_before_a_write(tale: Tale) -> None:
    someone = tale.someone()
    tale.faults.stack.freeze("directory")
    tale.transfer(someone)
    time.sleep(LONGER_THAN_A_CALL)
    tale.faults.stack.thaw("directory")


def a_write_to_the_directory_comes_late(tale: Tale) -> None:
    someone = tale.someone()
    tale.hurting("directory", WRITE, Fault.FREEZE, lambda: tale.office.disable(someone))
    time.sleep(LONGER_THAN_A_CALL)
    tale.faults.proxies["directory"].heal()


def the_directory_is_frozen_after_a_write(tale: Tale) -> None:
    someone = tale.someone()
    tale.hurting("directory", WRITE, Fault.HOLD, lambda: tale.transfer(someone))
    time.sleep(LONGER_THAN_A_CALL)
    tale.faults.proxies["directory"].heal()


def keycloak_is_killed_before_a_write(tale: Tale) -> None:
    restored, transferred = tale.someone(AccountState.DISABLED), tale.someone()
    tale.faults.stack.kill("keycloak")
    tale.office.restore(restored)
    tale.transfer(transferred)
    tale.approve("南")
    tale.rename("北")
    tale.faults.stack.start(["keycloak"])


def keycloak_is_killed_in_a_write_and_comes_back_with_empty_caches(tale: Tale) -> None:
    disabled = tale.someone()
    tale.hurting("keycloak", "PUT .*/users/", Fault.FREEZE, tale.approve)
    tale.office.disable(disabled)
    tale.faults.stack.kill("keycloak")
    tale.faults.proxies["keycloak"].heal()
    tale.faults.stack.start(["keycloak"])


def keycloak_is_frozen_before_a_write(tale: Tale) -> None:
    changed, disabled = tale.someone(), tale.someone()
    tale.faults.stack.freeze("keycloak")
    tale.office.change(changed, title="科長")
    if disabled != changed:
        tale.office.disable(disabled)
    time.sleep(LONGER_THAN_A_CALL)
    tale.faults.stack.thaw("keycloak")


def keycloak_is_frozen_after_a_write(tale: Tale) -> None:
    someone = tale.someone()
    tale.hurting("keycloak", "(PUT|DELETE) .*/groups/", Fault.HOLD, lambda: tale.transfer(someone))
    tale.faults.stack.freeze("keycloak")
    time.sleep(LONGER_THAN_A_CALL)
    tale.faults.proxies["keycloak"].heal()
    tale.faults.stack.thaw("keycloak")


def redis_is_killed(tale: Tale) -> None:
    tale.faults.stack.kill("redis")
    tale.approve("南")
    tale.faults.stack.start(["redis"])


def redis_is_flushed(tale: Tale) -> None:
    tale.approve("北")
    tale.faults.flush_redis()


def postgresql_is_restarted_while_everybody_works(tale: Tale) -> None:
    tale.approve("北", 3)
    tale.faults.stack.restart(["postgres"])
    tale.approve("南")


def dying(*death: str) -> Callable[[Tale], None]:
    def the_worker_dies(tale: Tale) -> None:
        doomed = tale.faults.work("worker", "--die", *death)
        tale.approve(tale.dice.choice(["北", "南"]))
        assert ended(doomed, 40) == -signal.SIGKILL
        tale.faults.work("worker")

    the_worker_dies.__name__ = f"the_worker_dies_{'_'.join(death)}"
    return the_worker_dies


def the_relay_dies(tale: Tale) -> None:
    doomed = tale.faults.work("relay", "--die", "relay", tale.dice.choice(["before", "after"]), "enqueue")
    # A worker that has just finished something may take it before the relay sees it.
    deadline = time.monotonic() + 40
    while doomed.is_alive() and time.monotonic() < deadline:
        time.sleep(1.5)
        tale.approve("北")
    assert doomed.exitcode == -signal.SIGKILL
    tale.faults.work("relay")


def the_answer_about_a_new_account_is_lost(tale: Tale) -> None:
    tale.hurting("directory", "^add ", Fault.LOSE, tale.approve)


def a_name_is_taken(tale: Tale) -> None:
    assert tale.office.directory is not None
    name = f"f{uuid4().hex[:10]}"
    tale.stranger = f"CN={name},CN=Users,{DOMAIN_DN}"
    password = base64.b64encode('"Somebody-else-2026"'.encode("utf-16-le")).decode()
    tale.office.directory.as_administrator(
        "ldbadd", f"dn: {tale.stranger}\nobjectClass: user\nsAMAccountName: {name}\nunicodePwd:: {password}\n"
    )
    tale.unlucky = tale.office.approve("北", account_name=name)
    unlucky = tale.unlucky
    until(lambda: tale.office.is_parked(unlucky, Target.AD, Code.NAME_TAKEN_IN_AD))


def the_name_is_free_again(tale: Tale) -> None:
    assert tale.office.directory is not None
    assert tale.unlucky is not None
    assert len(tale.office.directory.below(tale.stranger)) == 1
    tale.office.directory.as_administrator("ldbmodify", f"dn: {tale.stranger}\nchangetype: delete\n")
    tale.office.retry_now(tale.unlucky, Target.AD)
    tale.officials.append(tale.unlucky)


def the_certificate_expires(tale: Tale) -> None:
    someone = tale.someone()
    tale.faults.let_the_certificate_expire()
    tale.faults.work("worker")
    tale.office.change(someone, title="組員")
    until(lambda: tells(tale.office, Target.AD) is Code.AD_CERTIFICATE)
    tale.approve("南")


def the_certificate_is_renewed(tale: Tale) -> None:
    tale.faults.renew_the_certificate()
    until(lambda: tells(tale.office, Target.AD) is None)


def jumping(seconds: int) -> Callable[[Tale], None]:
    def a_clock_jumps(tale: Tale) -> None:
        changed = tale.someone()
        tale.faults.work("worker", "--jump", str(seconds))
        tale.approve("北")
        tale.office.change(changed, title="書記")
        time.sleep(2)
        tale.faults.work("worker")

    a_clock_jumps.__name__ = f"a_clock_jumps_by_{seconds}_s"
    return a_clock_jumps


def two_managers_change_one_account(tale: Tale) -> None:
    someone = tale.someone()
    version = tale.office.account(someone).version
    told: list[str] = []
    together = threading.Barrier(2)

    def change(manager: int, title: str) -> None:
        together.wait(10)
        try:
            tale.office.change(someone, manager=manager, version=version, title=title)
            told.append("won")
        except Conflict as conflict:
            told.append(conflict.code)

    threads = [threading.Thread(target=change, args=each) for each in ((0, "甲等"), (1, "乙等"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(told) == ["changed_meanwhile", "won"]


def an_agency_moves(tale: Tale) -> None:
    """Whoever works there keeps objectGUID and Keycloak id."""
    someone = tale.someone()
    before = bindings_of(tale.office, someone)
    agency = "北" if tale.office.account(someone).agency_id == tale.office.agencies["北"] else "南"
    tale.office.move_agency(agency, "東")
    until(lambda: not tale.office.waiting())
    assert bindings_of(tale.office, someone) == before


def somebody_tried_too_often_and_the_first_lost_his_mail(tale: Tale) -> None:
    tale.office.unlock(tale.someone())
    # A mail may be asked for again a minute after the last one: his is older.
    first = tale.office.managers[0]
    tale.office.resend(first)


def somebody_leaves_and_somebody_returns(tale: Tale) -> None:
    leaving, pausing = tale.someone(), tale.someone()
    tale.office.disable(leaving)
    tale.office.delete(leaving)
    if pausing != leaving:
        tale.office.disable(pausing)
        tale.office.restore(pausing)


def everything_fails_at_once(tale: Tale) -> None:
    moved, left = tale.someone(), tale.someone()
    stack = tale.faults.stack
    stack.kill("directory", "redis")
    stack.freeze("keycloak")
    tale.transfer(moved)
    if left != moved:
        tale.office.disable(left)
    tale.approve("東", 2)
    tale.rename("南")
    time.sleep(LONGER_THAN_A_CALL)
    tale.faults.kill("worker")


STORY: Sequence[Callable[[Tale], None]] = (
    people_are_approved,
    the_directory_is_killed_before_a_write,
    the_directory_is_killed_in_a_write,
    the_directory_is_killed_after_a_write,
    the_directory_is_frozen_before_a_write,
    a_write_to_the_directory_comes_late,
    the_directory_is_frozen_after_a_write,
    redis_is_killed,
    dying("ad", "after", "Create"),
    keycloak_is_killed_before_a_write,
    two_managers_change_one_account,
    keycloak_is_killed_in_a_write_and_comes_back_with_empty_caches,
    the_answer_about_a_new_account_is_lost,
    a_name_is_taken,
    keycloak_is_frozen_after_a_write,
    the_relay_dies,
    dying("queue", "before", "finish"),
    keycloak_is_frozen_before_a_write,
    the_name_is_free_again,
    dying("keycloak", "after", "mail"),
    jumping(7200),
    the_certificate_expires,
    the_certificate_is_renewed,
    redis_is_flushed,
    jumping(-7200),
    an_agency_moves,
    somebody_tried_too_often_and_the_first_lost_his_mail,
    postgresql_is_restarted_while_everybody_works,
    somebody_leaves_and_somebody_returns,
    everything_fails_at_once,
)


@pytest.fixture
def tale(stack: Stack) -> Iterator[Tale]:
    with office_on(stack) as office, faults_of(stack) as faults:
        office.found("北", "南", "東")
        office.appoint(2)
        yield Tale(office, faults, random.Random(SEED))


@pytest.mark.requirement("X-11", "S1-006")
@pytest.mark.timeout(420)
def test_thirty_steps_in_which_everything_fails_once_end_in_agreement(tale: Tale) -> None:
    began = time.monotonic()
    for number, step in enumerate(STORY, 1):
        print(f"{time.monotonic() - began:6.1f} s  {number:2}  {step.__name__}", flush=True)
        step(tale)
    tale.faults.heal()
    settle(tale.office, IN_THE_END)
    print(f"{time.monotonic() - began:6.1f} s  all is done", flush=True)
    assert disagreements(tale.office) == [], f"seed {SEED}"
