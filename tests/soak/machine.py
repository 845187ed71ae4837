"""Long random stories: people's acts and failures in any order, and agreement at the end of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from hufu_registry.accounts.model import AccountState
from hufu_registry.kernel.ids import AccountId
from tests.kit.faults.consistency import disagreements
from tests.kit.faults.fault_injection import FaultInjection, settle
from tests.kit.faults.proxy import Fault
from tests.kit.faults.world import Office

IN_THE_END = 240.0
AGENCIES = ("北", "南", "東")
REQUESTS = {
    "directory": ("bind", "search", "add", "modify", "move", "delete"),
    "keycloak": (
        "GET .*/users",
        "PUT .*/users/",
        "PUT .*/groups/",
        "POST .*/groups",
        "POST .*/logout",
        "actions-email",
    ),
}
DEATHS = (
    "ad before find",
    "ad after Create",
    "ad after SetFields",
    "ad after Place",
    "ad before SetEnabled",
    "ad after unlock",
    "keycloak after find",
    "keycloak after Place",
    "keycloak before mail",
    "keycloak after mail",
    "keycloak after sessions",
    "queue before finish",
    "queue after finish",
    "queue after commit",
)
SIGNS_IN = (AccountState.NOT_ACTIVATED, AccountState.ENABLED)
WHO = st.integers(0, 10_000)


class Soak(RuleBasedStateMachine):
    """One story. Nobody waits for anything but the end, so that failures meet whatever is under way."""

    found: ClassVar[Callable[[], tuple[Office, FaultInjection]]]
    told: ClassVar[Callable[[str], None]]

    @initialize()
    def begin(self) -> None:
        self.office, self.faults = type(self).found()
        self.officials: list[AccountId] = []

    def teardown(self) -> None:
        if not hasattr(self, "office"):
            return
        self.faults.heal()
        settle(self.office, IN_THE_END)
        found = disagreements(self.office)
        # Not every way into here is pytest's, which would show them.
        assert not found, "\n".join(found)

    def someone(self, who: int, *states: AccountState) -> AccountId | None:
        able = [each for each in self.officials if self.office.account(each).state in states]
        return able[who % len(able)] if able else None

    def tell(self, what: str) -> None:
        type(self).told(what)

    # People.

    @rule(agency=st.sampled_from(AGENCIES), count=st.integers(1, 5))
    def approve(self, agency: str, count: int) -> None:
        self.tell(f"approve {count} at {agency}")
        self.officials += [self.office.approve(agency) for _ in range(count)]

    @rule(who=WHO, title=st.sampled_from(["科員", "專員", "科長", "組員"]), manager=st.integers(0, 1))
    def change(self, who: int, title: str, manager: int) -> None:
        def change(someone: AccountId) -> None:
            self.office.change(someone, manager=manager, title=title)

        self.on_somebody(who, SIGNS_IN, change)

    @rule(who=WHO, agency=st.sampled_from(AGENCIES))
    def transfer(self, who: int, agency: str) -> None:
        states = (*SIGNS_IN, AccountState.DISABLED)
        someone = self.someone(who, *states)
        if someone is not None and self.office.account(someone).agency_id != self.office.agencies[agency]:
            self.tell(f"transfer to {agency}")
            self.office.transfer(someone, agency)

    @rule(who=WHO)
    def disable(self, who: int) -> None:
        self.on_somebody(who, SIGNS_IN, self.office.disable)

    @rule(who=WHO)
    def restore(self, who: int) -> None:
        self.on_somebody(who, (AccountState.DISABLED,), self.office.restore)

    @rule(who=WHO)
    def delete(self, who: int) -> None:
        self.on_somebody(who, (AccountState.DISABLED,), self.office.delete)

    @rule(who=WHO)
    def activate(self, who: int) -> None:
        self.on_somebody(who, (AccountState.NOT_ACTIVATED,), self.office.activate)

    @rule(who=WHO)
    def unlock(self, who: int) -> None:
        self.on_somebody(who, SIGNS_IN, self.office.unlock)

    @rule(agency=st.sampled_from(AGENCIES), suffix=st.sampled_from(["甲", "乙", "丙"]))
    def rename_agency(self, agency: str, suffix: str) -> None:
        self.tell(f"rename {agency}")
        name = self.office.agency(agency).name.rstrip("甲乙丙")
        self.office.rename_agency(agency, f"{name}{suffix}")

    @rule(agency=st.sampled_from(AGENCIES), parent=st.sampled_from(("top", *AGENCIES)))
    def move_agency(self, agency: str, parent: str) -> None:
        if not self.office.agency(agency).path.covers(self.office.agency(parent).path):
            self.tell(f"move {agency} below {parent}")
            self.office.move_agency(agency, parent)

    def on_somebody(self, who: int, states: tuple[AccountState, ...], act: Callable[[AccountId], None]) -> None:
        someone = self.someone(who, *states)
        if someone is not None:
            self.tell(act.__name__)
            act(someone)

    # Failures.

    @rule(server=st.sampled_from(["directory", "keycloak", "redis"]))
    def kill(self, server: str) -> None:
        self.tell(f"kill {server}")
        self.faults.stack.kill(server)

    @rule(server=st.sampled_from(["directory", "keycloak"]))
    def freeze(self, server: str) -> None:
        self.tell(f"freeze {server}")
        self.faults.stack.freeze(server)

    @rule()
    def mend_servers(self) -> None:
        self.tell("mend the servers")
        self.faults.mend_servers()

    @rule()
    def restart_postgresql(self) -> None:
        self.tell("restart postgresql")
        self.faults.stack.restart(["postgres"])

    @rule()
    def flush_redis(self) -> None:
        if self.faults.stack.server("redis").running():
            self.tell("flush redis")
            self.faults.flush_redis()

    @rule(
        request=st.sampled_from([(server, each) for server, found in REQUESTS.items() for each in found]),
        fault=st.sampled_from(Fault),
    )
    def hurt_a_request(self, request: tuple[str, str], fault: Fault) -> None:
        self.tell(f"{fault.name} {request[1]}")
        self.faults.proxies[request[0]].at_next(request[1], fault)

    @rule()
    def let_requests_pass(self) -> None:
        self.tell("let requests pass")
        for proxy in self.faults.proxies.values():
            proxy.heal()

    @rule(death=st.sampled_from(DEATHS))
    def doom_the_worker(self, death: str) -> None:
        self.tell(f"the worker will die {death}")
        self.faults.work("worker", "--die", *death.split())

    @rule(moment=st.sampled_from(["before", "after"]))
    def doom_the_relay(self, moment: str) -> None:
        self.tell(f"the relay will die {moment} it calls")
        self.faults.work("relay", "--die", "relay", moment, "enqueue")

    @rule(seconds=st.sampled_from([-7200, -60, 60, 7200]))
    def set_the_workers_clock(self, seconds: int) -> None:
        self.tell(f"the worker's clock is {seconds} s off")
        self.faults.work("worker", "--jump", str(seconds))

    @rule()
    def new_worker_and_relay(self) -> None:
        self.tell("a new worker, a new relay")
        self.faults.work("worker")
        self.faults.work("relay")

    @rule(seconds=st.sampled_from([1, 3, 6]))
    def let_time_pass(self, seconds: int) -> None:
        self.tell(f"{seconds} s pass")
        time.sleep(seconds)
