"""The push of bench/directory_push.py with both targets 10 ms away: every request waits so long before it arrives.

The worker is the real process with the lanes and batches it is set to, and reaches directory and Keycloak through the
tests' proxies, which run in a process of their own. In each of two rounds come the entries by ldap3 alone (yardstick),
as many accounts by the worker, the same into Keycloak alone, and as many others complete.

Yardstick: the same entries, password included, by ldap3 alone through the same proxy, over as many connections.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection

from bench.directory_push import SIZE, WARM_UP, Seconds, complete, measure, prepared
from bench.harness import finish, report
from bench.made_up_accounts import homes, officials
from bench.push import settled
from hufu_stack.demo import registry_of
from hufu_stack.environment import environment
from hufu_stack.layout import Profile
from hufu_stack.ours import script
from hufu_stack.server import base_environment
from hufu_stack.stack import Stack
from hufu_sync.settings import SyncSettings
from tests.kit.faults.proxy import Proxy

ROUND_TRIP = 0.010
ROUNDS, PLACES = 2, 50
PATIENCE = 10.0


def stand_between(profile: Profile, said: Connection) -> None:
    """Directory's and Keycloak's proxy, until somebody hangs up; says their ports."""
    directory = Proxy(str(profile.directory_address), (str(profile.directory_address), 636), nothing, delay=ROUND_TRIP)
    keycloak = Proxy("127.0.0.1", ("127.0.0.1", profile.port("keycloak")), nothing, delay=ROUND_TRIP)
    with directory.running(), keycloak.running():
        said.send((directory.port, keycloak.port))
        said.recv()


def nothing(data: bytes) -> str:
    """No request is looked for: nothing is to be hurt."""
    del data
    return ""


@contextmanager
def distant(profile: Profile) -> Iterator[tuple[str, str]]:
    """The directory's and Keycloak's addresses from afar."""
    spawning = get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=stand_between, args=(profile, there), daemon=True)
    process.start()
    try:
        directory, keycloak = here.recv()
        yield f"ldaps://{profile.directory_address}:{directory}", f"http://127.0.0.1:{keycloak}"
    finally:
        here.send(None)
        process.join(PATIENCE)


@contextmanager
def worker_at(profile: Profile, directory: str, keycloak: str) -> Iterator[None]:
    there = {"HUFU_LDAP_URL": directory, "HUFU_KEYCLOAK_URL": keycloak}
    variables = base_environment() | environment(profile, "worker") | there
    with profile.log("distant-worker").open("ab") as log:
        process = subprocess.Popen([script("hufu-worker")], env=variables, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE * 4)


def main() -> bool:
    stack = Stack("bench")
    lanes: int = SyncSettings.model_fields["ad_lanes"].default
    try:
        settled(stack)
        stack.stop(["worker"])
        services = registry_of(stack.profile)
        agencies = homes(services, PLACES)
        accounts = list(officials(agencies, 2 * ROUNDS * SIZE + WARM_UP, activated=False))
        with ExitStack() as open_ones:
            directory, keycloak = open_ones.enter_context(distant(stack.profile))
            open_ones.enter_context(worker_at(stack.profile, directory, keycloak))
            offices = prepared(services, agencies, accounts)
            complete(services, [accounts.pop() for _ in range(WARM_UP)], Seconds())
            took = measure(stack, services, offices, accounts, lanes, rounds=ROUNDS, url=directory)
        services.engine.dispose()
    finally:
        stack.stop()
    count = ROUNDS * SIZE
    figures = {
        "accounts": count,
        "connections": lanes,
        "round_trip_ms": ROUND_TRIP * 1000,
        "yardstick_raw_per_s": count / took.raw,
        "directory_per_s": count / took.directory,
        "times_the_yardstick": took.raw / took.directory,
        "keycloak_per_s": count / took.keycloak,
        "complete_per_s": count / took.complete,
        "complete_of_yardstick": took.raw / took.complete,
    }
    aims = {"times_the_yardstick": (">=", 0.6)}
    return report("distant_push", figures, aims)


if __name__ == "__main__":
    finish(met=main())
