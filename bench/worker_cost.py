"""What an account costs the worker itself: CPU of its own process on targets that answer at once.

1,000 approved accounts go to both targets, created and then changed, by the worker's own lanes in this process: the
registry is a real PostgreSQL, the targets are the tests' fakes, which passed the same contract as the real ones.
Counted is the CPU of this thread; what the fakes themselves take is left out, and PostgreSQL is a process of its own.

Yardstick: the CPU of one empty transaction with one statement on the same engine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.harness import empty_registry, finish, report
from bench.made_up_accounts import add_officials, homes, officials
from bench.queue_watch import enqueue, keys_of, keys_of_agencies, unfinished
from hufu_registry.accounts.model import Account
from hufu_registry.accounts.store import accounts as accounts_table
from hufu_registry.agencies.command import DATA
from hufu_registry.agencies.use_cases import ImportList, import_list
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.sync.model.plan import Desired, Observed, Step
from hufu_stack.layout import BASE_DN
from hufu_sync import logs
from hufu_sync.bootstrap import Parts, Targets, build_lanes
from hufu_sync.health import Heart, Metrics
from hufu_sync.lane import Lane
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.port import Asked, Found
from tests.kit.targets.fakes import FakePost, FakeTarget

COUNT, PLACES, WARM_UP = 1_000, 50, 200
EMPTY = 2_000
OTHER_TITLE = "由他人變更"
BOTH = (Target.AD, Target.KEYCLOAK)


HERE: Mapping[str, Any] = {
    "console_url": "http://127.0.0.1",
    "ldap_base_dn": BASE_DN,
    "ad_lanes": 1,
    "keycloak_lanes": 1,
}


@dataclass
class Metered(FakeTarget):
    """`used` is the CPU seconds that the fake itself took."""

    used: float = 0.0

    def find(self, asked: Sequence[Asked]) -> Sequence[Found]:
        with self._metered():
            return super().find(asked)

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> None:
        with self._metered():
            super().apply(step, desired, observed)

    @contextmanager
    def _metered(self) -> Iterator[None]:
        start = time.thread_time()
        try:
            yield
        finally:
            self.used += time.thread_time() - start


@dataclass(frozen=True, slots=True)
class Worker:
    """Lanes without threads: `milliseconds` works until the wanted is done."""

    services: SqlServices
    targets: Mapping[Target, Metered]
    lanes: Mapping[Target, Sequence[Lane]]

    def milliseconds(self, keys: Collection[OutboxKey]) -> float:
        """CPU of this thread until these are done, without the fakes'."""
        enqueue(self.services, keys)
        start, before = time.thread_time(), self._used()
        while unfinished(self.services, *BOTH):
            for target in BOTH:
                self.lanes[target][0].drain()
        return (time.thread_time() - start - (self._used() - before)) * 1000

    def _used(self) -> float:
        return sum(target.used for target in self.targets.values())


def build_worker(services: SqlServices) -> Worker:
    settings = SyncSettings.model_construct(**HERE)
    targets = {Target.AD: Metered(), Target.KEYCLOAK: Metered(remakes=True)}
    kinds = Targets(targets[Target.AD], targets[Target.KEYCLOAK], FakePost())
    return Worker(services, targets, build_lanes(Parts(settings, services, Heart(), Metrics()), lambda: kinds))


def empty_transaction(services: SqlServices) -> float:
    """Milliseconds of CPU."""
    start = time.thread_time()
    for _ in range(EMPTY):
        with services.engine.begin() as connection:
            connection.execute(sa.text("SELECT 1"))
    return (time.thread_time() - start) / EMPTY * 1000


def retitle(services: SqlServices, accounts: Sequence[Account]) -> None:
    ids = [account.id for account in accounts]
    with services.begin() as work:
        work.connection.execute(sa.update(accounts_table).where(accounts_table.c.id.in_(ids)).values(title=OTHER_TITLE))


def measure() -> Mapping[str, float]:
    """Milliseconds of CPU for an account in both targets, and for an empty transaction."""
    with empty_registry() as services:
        import_list(ImportList((DATA / "GDS_2019.csv").read_bytes()), services, OPERATOR)
        accounts = list(officials(homes(services, PLACES), WARM_UP + COUNT))
        add_officials(services, accounts)
        worker = build_worker(services)
        keys = keys_of(accounts[WARM_UP:], *BOTH)
        worker.milliseconds(keys_of_agencies(accounts, *BOTH))
        worker.milliseconds(keys_of(accounts[:WARM_UP], *BOTH))
        bare = empty_transaction(services)
        made = worker.milliseconds(keys) / COUNT
        retitle(services, accounts[WARM_UP:])
        changed = worker.milliseconds(keys) / COUNT
        calm = worker.milliseconds(keys) / COUNT
    return {"made_ms": made, "changed_ms": changed, "unchanged_ms": calm, "yardstick_empty_transaction_ms": bare}


def main() -> bool:
    with Path(os.devnull).open("w") as nowhere:
        # Its lines are written as in the worker, and go nowhere.
        logs.set_up("worker", nowhere)
        took = measure()
    figures = {
        "accounts": COUNT,
        "batch_rows": SyncSettings.model_fields["batch_rows"].default,
        **took,
        "times_the_yardstick": took["made_ms"] / took["yardstick_empty_transaction_ms"],
    }
    return report("worker_cost", figures, {"made_ms": ("<=", 4)})


if __name__ == "__main__":
    finish(met=main())
