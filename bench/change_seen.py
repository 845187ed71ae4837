"""Somebody changes an account in Active Directory by other means: how long until the registry knows.

20 changes at random moments within three minutes, each of another account, while the real clock process looks by
itself. The change is known once the drift stands in the registry, where the console shows it.

Yardstick: a bare search by ldap3 for what changed since, right after the change.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import ldap3
import sqlalchemy as sa

from bench.harness import finish, percentile, report, seconds
from bench.made_up_accounts import add_officials, homes, officials
from bench.push import settled
from bench.queue_watch import drained, keys_of, keys_of_agencies
from bench.raw_ldap import MARK, connected
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.sync.store import bindings, drifts
from hufu_stack.demo import registry_of
from hufu_stack.layout import BASE_DN
from hufu_stack.stack import Stack

CHANGES, WITHIN = 20, 180.0
PATIENCE = 120.0
TITLE = "由他人變更"


def places(services: SqlServices) -> dict[str, str]:
    """Account id → DN."""
    accounts_in_directory = sa.and_(bindings.c.target == Target.AD.value, bindings.c.kind == Kind.ACCOUNT.value)
    with services.read() as connection:
        rows = connection.execute(sa.select(bindings.c.object_id, bindings.c.address).where(accounts_in_directory))
        return {row.object_id: row.address for row in rows}


def seen(services: SqlServices, changed: Mapping[str, datetime]) -> dict[str, float]:
    """Account id → seconds from the change until the registry noted it."""
    with services.read() as connection:
        rows = connection.execute(sa.select(drifts.c.object_id, drifts.c.since).where(drifts.c.field == "title"))
        seen_at = {row.object_id: row.since for row in rows}
    return {
        account: (seen_at[account] - moment).total_seconds()
        for account, moment in changed.items()
        if account in seen_at
    }


def main() -> bool:
    stack = Stack("bench")
    chance = random.Random(13)
    moments = sorted(chance.uniform(0, WITHIN) for _ in range(CHANGES))
    changed: dict[str, datetime] = {}
    looks = []
    try:
        settled(stack)
        services = registry_of(stack.profile)
        accounts = list(officials(homes(services, 5), CHANGES))
        add_officials(services, accounts)
        drained(services, [*keys_of_agencies(accounts, Target.AD), *keys_of(accounts, Target.AD)])
        dns = places(services)
        start = time.monotonic()
        with connected(stack.profile) as connection:
            for account, moment in zip(accounts, moments, strict=True):
                time.sleep(max(0.0, start + moment - time.monotonic()))
                change = {"title": [(ldap3.MODIFY_REPLACE, [TITLE])]}
                connection.modify(dns[str(account.id)], change)
                changed[str(account.id)] = datetime.now(UTC)
                query = f"(&({MARK}=hufu:*)(uSNChanged>=1))"
                looks.append(seconds(lambda: connection.search(BASE_DN, query, attributes=["title"])))  # noqa: B023
        deadline = time.monotonic() + PATIENCE
        while len(waited := seen(services, changed)) < CHANGES and time.monotonic() < deadline:
            time.sleep(0.5)
        services.engine.dispose()
    finally:
        stack.stop()
    times = [*waited.values(), *[PATIENCE] * (CHANGES - len(waited))]
    figures = {
        "changes": CHANGES,
        "p50_s": percentile(times, 0.5),
        "p95_s": percentile(times, 0.95),
        "max_s": max(times),
        "yardstick_bare_search_s": percentile(looks, 0.5),
        "times_the_yardstick": percentile(times, 0.5) / percentile(looks, 0.5),
    }
    return report("change_seen", figures, {"p95_s": ("<=", 60)})


if __name__ == "__main__":
    finish(met=main())
