"""Gives the running worker something to do and waits until it is done."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

import sqlalchemy as sa

from bench.harness import seconds
from hufu_registry.accounts.model import Account
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.outbox import Kind, OutboxKey, Target
from hufu_registry.kernel.store import outbox

LOOK_EVERY = 0.05
PATIENCE = 900.0


def keys_of(accounts: Iterable[Account], *targets: Target) -> list[OutboxKey]:
    return [OutboxKey(target, Kind.ACCOUNT, str(account.id)) for account in accounts for target in targets]


def keys_of_agencies(accounts: Iterable[Account], *targets: Target) -> list[OutboxKey]:
    """Of the agencies these accounts stand in, and those above."""
    ids = sorted({step for account in accounts for step in account.agency_path.ids})
    return [OutboxKey(target, Kind.AGENCY, str(agency)) for agency in ids for target in targets]


def enqueue(services: SqlServices, keys: Collection[OutboxKey]) -> None:
    """In bulk, as an import wants them."""
    with services.begin() as work:
        for key in keys:
            work.outbox.enqueue(key, bulk=True)


def unfinished(services: SqlServices, *targets: Target) -> int:
    """How many rows of bulk still wait. Raises RuntimeError where one is parked: it would wait for ever."""
    rows = (
        outbox.c.generation > outbox.c.applied_generation,
        outbox.c.bulk,
        outbox.c.target.in_([target.value for target in targets]),
    )
    query = sa.select(sa.func.count(), sa.func.max(outbox.c.error).filter(outbox.c.parked_at.is_not(None)))
    with services.read() as connection:
        count, stuck = connection.execute(query.where(*rows)).one()
    if stuck:
        raise RuntimeError(f"parked: {stuck}")
    return int(count)


def come_to_an_end(services: SqlServices, *targets: Target) -> None:
    deadline = time.monotonic() + PATIENCE
    while unfinished(services, *targets):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the worker is not done after {PATIENCE:.0f} s")
        time.sleep(LOOK_EVERY)


def drained(services: SqlServices, keys: Collection[OutboxKey]) -> float:
    """How many seconds from the wish until all of it is done."""

    def both() -> None:
        enqueue(services, keys)
        come_to_an_end(services, *{key.target for key in keys})

    return seconds(both)
