"""Comparing everybody in Active Directory with the registry: 20,000 and 100,000 accounts on kept directories.

What an operator runs, `hufu sync compare ad`, as a process of its own: its seconds from start to end, and the most
memory it had. First where nothing differs, and then nothing may be written: no row of the registry but the run's own
and the record of who asked for it, nothing in the directory. Then with one account in a hundred changed by somebody
else and one in a thousand in another state; exactly these have to be found.

Yardstick: the same entries with the same attributes read by ldap3 alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import ldap3
import sqlalchemy as sa

from bench.harness import finish, report
from bench.kept_directory import Kept, kept_directory
from bench.raw_ldap import connected
from hufu_registry.accounts.model import AccountState
from hufu_registry.accounts.store import accounts as accounts_table
from hufu_registry.kernel.outbox import Kind, Target
from hufu_registry.sync.model.plan import ENABLED
from hufu_registry.sync.store import drifts, written_fields
from hufu_stack.environment import environment
from hufu_stack.ours import script
from hufu_stack.server import base_environment

SIZES = (20_000, 100_000)
LOOK_EVERY = 0.1
OTHER_TITLE = "由他人變更"


@dataclass(frozen=True, slots=True)
class Compared:
    """`peak_mb` is the most memory the process had (2**20 bytes)."""

    seconds: float
    peak_mb: float
    objects: int
    differing: int


def compare(kept: Kept) -> Compared:
    variables = base_environment() | environment(kept.stack.profile, "worker")
    with tempfile.TemporaryFile("w+") as told:
        start = time.perf_counter()
        process = subprocess.Popen([script("hufu"), "sync", "compare", "ad", "--json"], env=variables, stdout=told)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, peak_mb(process.pid))
            time.sleep(LOOK_EVERY)
        took = time.perf_counter() - start
        told.seek(0)
        tally = json.load(told)
    if process.returncode or tally["failed"]:
        raise RuntimeError(f"the comparison failed: {tally}")
    return Compared(took, peak, tally["objects"], tally["differing"])


def peak_mb(pid: int) -> float:
    """The most memory it ever had; what wait4 says of a child counts its parent's until the child began."""
    line = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(line[1]) / 1024 if line else 0.0


def rows_written(kept: Kept) -> int:
    """Rows of the registry ever written, but for the runs' own and who asked for them."""
    counted = (
        "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
        " WHERE relname NOT IN ('sync_runs', 'audit_records')"
    )
    with kept.services.engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_stat_force_next_flush()"))
    with kept.services.read() as connection:
        return int(connection.execute(sa.text(counted)).scalar_one())


def newest_change(kept: Kept) -> int:
    """The directory numbers every write."""
    with connected(kept.stack.profile) as connection:
        connection.search("", "(objectClass=*)", search_scope=ldap3.BASE, attributes=["highestCommittedUSN"])
        answer = next(iter(connection.response or ()))
        return int(answer["raw_attributes"]["highestCommittedUSN"][0])


def change_some(kept: Kept) -> tuple[int, int]:
    """As if somebody else had changed titles and states over there; how many of each.

    The kept directory stays as it is: the registry is made to say that something else is wanted and was written.
    """
    titles = [account.id for account in kept.accounts[::100]]
    states = [account.id for account in kept.accounts[1::1000]]
    with kept.services.begin() as work:
        for ids, field, column, value, aspect in (
            (titles, "title", accounts_table.c.title, OTHER_TITLE, OTHER_TITLE),
            (states, ENABLED, accounts_table.c.state, AccountState.DISABLED.value, str(False)),
        ):
            digest = kept.services.keys.index(f"sync:{Target.AD.value}:{field}", aspect)
            work.connection.execute(
                sa.update(accounts_table).where(accounts_table.c.id.in_(ids)).values({column: value})
            )
            work.connection.execute(
                sa.update(written_fields)
                .where(
                    written_fields.c.target == Target.AD.value,
                    written_fields.c.kind == Kind.ACCOUNT.value,
                    written_fields.c.object_id.in_([str(each) for each in ids]),
                    written_fields.c.field == field,
                )
                .values(hash=digest)
            )
    return len(titles), len(states)


def main() -> bool:
    figures: dict[str, float] = {}
    writes = 0
    for size in SIZES:
        with kept_directory(size) as kept:
            before = rows_written(kept), newest_change(kept)
            calm = compare(kept)
            writes += rows_written(kept) - before[0] + newest_change(kept) - before[1]
            titles, states = change_some(kept)
            changed = compare(kept)
            with kept.services.read() as connection:
                listed = connection.execute(
                    sa.select(sa.func.count()).select_from(drifts).where(drifts.c.field == "title")
                ).scalar_one()
            if (changed.differing, listed) != (titles + states, titles):
                raise RuntimeError(f"{titles} + {states} were changed; found {changed.differing}, listed {listed}")
            figures |= {
                f"{size}_s": changed.seconds,
                f"{size}_mb": max(calm.peak_mb, changed.peak_mb),
                f"{size}_found": changed.differing,
                f"{size}_nothing_differs_s": calm.seconds,
                f"{size}_nothing_differs_per_1000_s": calm.seconds / size * 1000,
                f"yardstick_{size}_bare_read_s": kept.read_s,
            }
    small, large = SIZES
    figures |= {
        "growth": figures[f"{large}_s"] / large / (figures[f"{small}_s"] / small),
        "written_where_nothing_differs": writes,
        "times_the_yardstick": figures[f"{large}_s"] / figures[f"yardstick_{large}_bare_read_s"],
    }
    aims = {
        f"{large}_s": ("<=", 60.0),
        f"{large}_mb": ("<=", 500.0),
        "growth": ("<=", 1.2),
        "written_where_nothing_differs": ("<=", 0.0),
    }
    return report("comparison", figures, aims)


if __name__ == "__main__":
    finish(met=main())
