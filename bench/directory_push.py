"""2,000 approved accounts into Active Directory by the running worker, then as many complete; and one's own approval
in the middle of such a bulk.

A thousand accounts come complete before anything is measured: all servers have just been started, and work for days
elsewhere. Console, worker, relay and scheduler are the real processes, with the lanes they are set to. In each of four
rounds come, on one growing directory: entries added by ldap3 alone (yardstick), as many accounts by the worker, the
same accounts into Keycloak alone, and as many others complete, both targets at once. Every other round begins with the
worker, so that the directory's growth is fair to both. Accounts that are active get no mail, so mails go out only for
the approvals that a manager presses while a fifth bulk, complete, is on its way.

Yardstick: the same entries, password included, by ldap3 alone over as many connections as the worker has.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import sqlalchemy as sa

from bench.harness import finish, percentile, report
from bench.made_up_accounts import add_officials, homes, officials
from bench.push import applicants, link_that_answers, press_approve, settled, signed_in_manager
from bench.queue_watch import come_to_an_end, drained, enqueue, keys_of, keys_of_agencies, unfinished
from bench.raw_ldap import add_account, together
from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.sync.model.desired import DirectorySchema
from hufu_registry.sync.model.plan import Desired
from hufu_registry.sync.store import bindings
from hufu_stack.demo import registry_of
from hufu_stack.layout import BASE_DN
from hufu_stack.stack import Stack
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.dn import domain_name

ROUNDS, SIZE, PLACES = 4, 500, 50
MIDST, APPROVALS = 1_500, 20
# A sign-in server that has just been started compiles its code for half of its time.
WARM_UP = 1_000
BETWEEN_APPROVALS = (0.0, 2.0)
BOTH = (Target.AD, Target.KEYCLOAK)


@dataclass(frozen=True, slots=True)
class Placed:
    """Agencies whose OUs are there, and where."""

    agencies: Sequence[Agency]
    dns: Sequence[str]

    def entries(self, prefix: str) -> list[tuple[str, Desired]]:
        """What the worker would add for so many accounts, marked as somebody else's, so that nobody compares them."""
        made, schema = [], DirectorySchema(domain_name(BASE_DN))
        for number, account in enumerate(officials(self.agencies, SIZE, prefix, activated=False)):
            place = number % len(self.agencies)
            desired = schema.account(account, self.agencies[place], "", None)
            marked = replace(desired, mark=desired.mark.replace("hufu:", "yard:"))
            made.append((f"CN={desired.name},{self.dns[place]}", marked))
        return made


@dataclass(slots=True)
class Seconds:
    raw: float = 0.0
    directory: float = 0.0
    keycloak: float = 0.0
    complete: float = 0.0


def prepared(services: SqlServices, agencies: Sequence[Agency], accounts: Sequence[Account]) -> Placed:
    """Accounts in the registry, and their agencies in both targets; no account is wanted anywhere yet."""
    add_officials(services, accounts)
    drained(services, keys_of_agencies(accounts, *BOTH))
    with services.read() as connection:
        rows = connection.execute(
            sa.select(bindings.c.object_id, bindings.c.address).where(
                bindings.c.target == Target.AD.value, bindings.c.kind == Kind.AGENCY.value
            )
        )
        dns = {row.object_id: row.address for row in rows}
    return Placed(agencies, [dns[str(agency.id)] for agency in agencies])


def measure(
    stack: Stack,
    services: SqlServices,
    placed: Placed,
    accounts: Sequence[Account],
    lanes: int,
    *,
    rounds: int = ROUNDS,
    url: str | None = None,
) -> Seconds:
    """In all rounds; `url` is where ldap3 alone finds the directory, if not where the stack has it."""
    took = Seconds()
    for turn in range(rounds):
        alone = accounts[2 * turn * SIZE : (2 * turn + 1) * SIZE]
        whole = accounts[(2 * turn + 1) * SIZE : (2 * turn + 2) * SIZE]
        entries = placed.entries(f"raw{turn}x")
        parts = [
            partial(raw, stack, lanes, entries, took, url),
            partial(ours, services, alone, took),
            partial(complete, services, whole, took),
        ]
        for part in parts if turn % 2 == 0 else reversed(parts):
            part()
    return took


def raw(
    stack: Stack, lanes: int, entries: Sequence[tuple[str, Desired]], took: Seconds, url: str | None = None
) -> None:
    took.raw += together(stack.profile, lanes, lambda connection, each: add_account(connection, *each), entries, url)


def ours(services: SqlServices, accounts: Sequence[Account], took: Seconds) -> None:
    took.directory += drained(services, keys_of(accounts, Target.AD))
    took.keycloak += drained(services, keys_of(accounts, Target.KEYCLOAK))


def complete(services: SqlServices, accounts: Sequence[Account], took: Seconds) -> None:
    took.complete += drained(services, keys_of(accounts, *BOTH))


def main() -> bool:
    stack = Stack("bench")
    lanes: int = SyncSettings.model_fields["ad_lanes"].default
    people = applicants(APPROVALS)
    pushed = []
    chance = random.Random(11)
    try:
        settlement = settled(stack)
        settlement.apply(people)
        services = registry_of(stack.profile)
        agencies = homes(services, PLACES)
        accounts = list(officials(agencies, 2 * ROUNDS * SIZE + MIDST + WARM_UP, activated=False))
        placed = prepared(services, agencies, accounts)
        complete(services, [accounts.pop() for _ in range(WARM_UP)], Seconds())
        took = measure(stack, services, placed, accounts, lanes)
        session = signed_in_manager(stack)
        enqueue(services, keys_of(accounts[2 * ROUNDS * SIZE :], *BOTH))
        for resident in people:
            time.sleep(chance.uniform(*BETWEEN_APPROVALS))
            start = time.perf_counter()
            press_approve(stack, session, settlement, resident)
            link_that_answers(stack, resident)
            pushed.append(time.perf_counter() - start)
        left = unfinished(services, *BOTH)
        come_to_an_end(services, *BOTH)
        services.engine.dispose()
    finally:
        stack.stop()
    count = ROUNDS * SIZE
    figures = {
        "accounts": count,
        "connections": lanes,
        "yardstick_raw_per_s": count / took.raw,
        "directory_per_s": count / took.directory,
        "times_the_yardstick": took.raw / took.directory,
        "keycloak_per_s": count / took.keycloak,
        "complete_per_s": count / took.complete,
        "complete_of_directory": took.directory / took.complete,
        "approvals": len(pushed),
        "approval_p50_s": percentile(pushed, 0.5),
        "approval_p95_s": percentile(pushed, 0.95),
        "approval_max_s": max(pushed),
        "bulk_left_after_approvals": left,
    }
    aims = {
        "times_the_yardstick": (">=", 0.9),
        "complete_of_directory": (">=", 0.6),
        "approval_p95_s": ("<=", 5),
        "bulk_left_after_approvals": (">=", 1),
    }
    return report("directory_push", figures, aims)


if __name__ == "__main__":
    finish(met=main())
