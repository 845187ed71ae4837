"""10,000 changes wanted while Active Directory was down: from the moment it is back until all of them are in it.

On the kept directory of 20,000 accounts, with the real worker and relay. The directory is killed, the accounts get new
titles in ten groups one after the other, and nobody does anything but start the directory again.

Yardstick: as many connections as the worker has, changing the same attribute by ldap3 alone. And the same worker with
the same kind of changes while nothing is down: draining after an outage should not be slower.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import ldap3
import sqlalchemy as sa

from bench.harness import finish, report, seconds
from bench.kept_directory import Kept, kept_directory
from bench.queue_watch import come_to_an_end, drained, enqueue, keys_of, unfinished
from bench.raw_ldap import MARK, connected, together
from hufu_registry.accounts.model import Account
from hufu_registry.accounts.store import accounts as accounts_table
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.outbox import Target
from hufu_registry.kernel.store import outbox
from hufu_registry.sync.model.desired import account_mark
from hufu_registry.sync.store import target_states
from hufu_stack.layout import BASE_DN
from hufu_sync.settings import SyncSettings

SIZE, BEFORE, GROUPS, GROUP = 20_000, 2_000, 10, 1_000
DOWN_FOR = 15.0
BEFORE_TITLE, RAW_TITLE, AFTER_TITLE = "斷線前", "直接寫入", "斷線時"


def give_title(services: SqlServices, accounts: Sequence[Account], title: str) -> None:
    ids = [account.id for account in accounts]
    with services.begin() as work:
        work.connection.execute(sa.update(accounts_table).where(accounts_table.c.id.in_(ids)).values(title=title))


def raw_rate(kept: Kept, accounts: Sequence[Account], connections: int) -> float:
    """Changes a second."""
    with connected(kept.stack.profile) as connection:
        dns = [search_one(connection, account) for account in accounts]
    change = {"title": [(ldap3.MODIFY_REPLACE, [RAW_TITLE])]}

    def modify(connection: ldap3.Connection, dn: str) -> None:
        connection.modify(dn, change)

    return len(dns) / together(kept.stack.profile, connections, modify, dns)


def search_one(connection: ldap3.Connection, account: Account) -> str:
    connection.search(BASE_DN, f"(sAMAccountName={account.account_name})", attributes=[MARK])
    return next(str(entry["dn"]) for entry in connection.response or () if entry["type"] == "searchResEntry")


def with_title(kept: Kept, title: str) -> set[str]:
    """The marks of all who have it in the directory."""
    with connected(kept.stack.profile) as connection:
        entries = connection.extend.standard.paged_search(
            BASE_DN, f"(title={title})", attributes=[MARK], paged_size=1000, generator=True
        )
        return {entry["raw_attributes"][MARK][0].decode() for entry in entries if "raw_attributes" in entry}


def overtaken(services: SqlServices, groups: Sequence[Sequence[Account]]) -> int:
    """Changes that were done after one wanted two groups later."""
    with services.read() as connection:
        rows = connection.execute(sa.select(outbox.c.object_id, outbox.c.applied_at))
        applied_at = {row.object_id: row.applied_at for row in rows}
    firsts = [min(applied_at[str(account.id)] for account in group) for group in groups]
    return sum(
        applied_at[str(account.id)] > first
        for group, first in zip(groups, firsts[2:], strict=False)
        for account in group
    )


def main() -> bool:
    lanes: int = SyncSettings.model_fields["ad_lanes"].default
    in_hand: int = lanes * SyncSettings.model_fields["batch_rows"].default
    with kept_directory(SIZE, to_write=True) as kept:
        stack, services, accounts = kept.stack, kept.services, kept.accounts
        stack.start(["worker", "relay"])
        usual, rest = accounts[:BEFORE], accounts[BEFORE : BEFORE + GROUPS * GROUP]
        groups = [rest[first : first + GROUP] for first in range(0, len(rest), GROUP)]
        raw = raw_rate(kept, accounts[-BEFORE:], lanes)
        give_title(services, usual, BEFORE_TITLE)
        bulk = len(usual) / drained(services, keys_of(usual, Target.AD))
        stack.kill("directory")
        for group in groups:
            give_title(services, group, AFTER_TITLE)
            enqueue(services, keys_of(group, Target.AD))
        time.sleep(DOWN_FOR)
        with services.read() as connection:
            noticed = any(state.failing_since is not None for state in target_states(connection))
        waiting = unfinished(services, Target.AD)
        stack.start(["directory"])
        took = seconds(lambda: come_to_an_end(services, Target.AD))
        arrived = with_title(kept, AFTER_TITLE) & {account_mark(account) for account in rest}
        figures = {
            "operations": len(rest),
            "waiting_when_back": waiting,
            "outage_noticed": noticed,
            "drained_s": took,
            "drained_per_s": len(rest) / took,
            "bulk_per_s": bulk,
            "drained_of_bulk": len(rest) / took / bulk,
            "arrived": len(arrived),
            "overtaken": overtaken(services, groups),
            "yardstick_raw_per_s": raw,
            "times_the_yardstick": len(rest) / took / raw,
        }
    # What was in hand when it went down comes last: a change that hurts the directory must not hold up the others.
    aims = {"arrived": (">=", len(rest)), "drained_of_bulk": (">=", 0.9), "overtaken": ("<=", in_hand)}
    return report("outage", figures, aims)


if __name__ == "__main__":
    finish(met=main())
