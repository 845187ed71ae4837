"""What befalls a running office, by name: each is begun, and ended by `heal`, which leaves everything up."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess

import redis

from hufu_registry.kernel.outbox import Target
from hufu_registry.sync.model import Code
from hufu_registry.sync.store import target_states
from hufu_stack.directory import Directory
from hufu_stack.secret_files import read_secret
from hufu_stack.stack import FOREIGN, Stack
from tests.kit.faults.processes import Program, end, started
from tests.kit.faults.proxy import Proxy, before_directory, before_keycloak
from tests.kit.faults.world import Office, until

SHORT_LIFE = dt.timedelta(seconds=8)


@dataclass
class FaultInjection:
    """The stack's servers, proxies before two of them, and a worker and a relay of the tests' own."""

    stack: Stack
    proxies: dict[str, Proxy]
    crew: dict[Program, ForkServerProcess] = field(default_factory=dict)

    def work(self, program: Program, *oddities: str) -> ForkServerProcess:
        """Start it in the place of the one there is, which is killed."""
        self.kill(program)
        addresses = {
            "HUFU_LDAP_URL": self.proxies["directory"].url,
            "HUFU_KEYCLOAK_URL": self.proxies["keycloak"].url,
        }
        self.crew[program] = started(self.stack, program, *oddities, **addresses)
        return self.crew[program]

    def kill(self, program: Program) -> None:
        if program in self.crew:
            end(self.crew.pop(program))

    def flush_redis(self) -> None:
        password = read_secret(self.stack.profile, "redis-password")
        with redis.Redis(port=self.stack.profile.port("redis"), password=password) as connection:
            connection.flushall()

    def let_the_certificate_expire(self) -> None:
        """The directory serves one that has just ended."""
        directory = self.stack.server("directory")
        assert isinstance(directory, Directory)
        ends = time.monotonic() + SHORT_LIFE.total_seconds()
        directory.stop()
        directory.issue_certificate(SHORT_LIFE)
        directory.start()
        time.sleep(max(0.0, ends - time.monotonic()))

    def renew_the_certificate(self) -> None:
        self.stack.restart(["directory"])

    def mend_servers(self) -> None:
        for name in FOREIGN:
            self.stack.thaw(name)
        self.stack.start(FOREIGN)

    def heal(self) -> None:
        """Everything is up, and our processes have nothing odd about them."""
        for proxy in self.proxies.values():
            proxy.heal()
        self.mend_servers()
        for program in ("worker", "relay"):
            self.work(program)


@contextmanager
def faults_of(stack: Stack, *, alone: bool = True) -> Iterator[FaultInjection]:
    """The stack's own worker and relay are away meanwhile; not `alone` they go on beside ours."""
    with ExitStack() as meanwhile:
        proxies = {
            "directory": meanwhile.enter_context(before_directory(stack.profile).running()),
            "keycloak": meanwhile.enter_context(before_keycloak(stack.profile).running()),
        }
        faults = FaultInjection(stack, proxies)
        if alone:
            stack.stop(["worker", "relay"])
        try:
            faults.heal()
            yield faults
        finally:
            faults.heal()
            for program in tuple(faults.crew):
                faults.kill(program)
            if alone:
                stack.start(["worker", "relay"])


def tells(office: Office, target: Target) -> Code | None:
    """Why a target is failing, as the registry knows it."""
    with office.services.read() as connection:
        return next(state.code for state in target_states(connection) if state.target is target)


def settle(office: Office, patience: float) -> None:
    """Until nothing waits; says what still does."""
    try:
        until(lambda: not office.waiting(), patience)
    except AssertionError:
        raise AssertionError("\n".join(office.waiting())) from None
