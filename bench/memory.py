"""What each process holds in memory: after the start, and after 200 approvals pressed in the console.

A process grows while it does everything for the first time, and must then stop growing: the aim is on the second half.
Counted is the proportional set size (PSS) of a server's whole process tree: its own pages whole, shared ones by their
share, so that the figures may be added up. Growth counts only the part that is no file (Pss_Anon), because the other
changes with whoever else has the same files open.

Yardstick: a bare Python interpreter that imported Flask.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psutil
import requests

from bench.harness import finish, report
from bench.push import applicants, press_approve, settled, signed_in_manager
from hufu_registry.bootstrap import SqlServices
from hufu_registry.sync.store import target_states
from hufu_stack.demo import Settlement, registry_of
from hufu_stack.demo_people import Resident
from hufu_stack.stack import OURS, Stack
from hufu_stack.superuser import as_root

APPROVALS = 200
PATIENCE = 300.0
# What is freed or asked for in the background comes to rest meanwhile.
REST = 5.0
# Fifty KB for an approval: a leak of that size would fill 10 MB a day where 200 are approved.
GROWTH = 5.0


@dataclass(frozen=True, slots=True)
class Memory:
    """In MB (2**20 bytes)."""

    whole: float
    own: float


def memory_of(pids: Iterable[int]) -> Memory:
    """The sum over these processes; one that is gone counts nothing."""
    paths = [f"/proc/{pid}/smaps_rollup" for pid in pids]
    # Other users' (PostgreSQL's, the directory's) only root may read.
    told = subprocess.run(as_root("cat", *paths), capture_output=True, text=True, check=False).stdout
    sums = {"Pss": 0, "Pss_Anon": 0}
    for line in told.splitlines():
        name, _, rest = line.partition(":")
        if name in sums:
            sums[name] += int(rest.split()[0])
    return Memory(sums["Pss"] / 1024, sums["Pss_Anon"] / 1024)


def servers(stack: Stack) -> dict[str, Memory]:
    return {name: memory_of(stat.pid for stat in stack.server(name).process.members()) for name in stack.names}


def bare_flask() -> Memory:
    """Python with Flask imported and nothing else, looked at while it waits."""
    code = "import flask, sys; print(flask.__name__, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        family = [child.pid, *(each.pid for each in psutil.Process(child.pid).children(recursive=True))]
        memory = memory_of(family)
        child.kill()
    return memory


def work(stack: Stack, session: requests.Session, settlement: Settlement, people: Sequence[Resident]) -> int:
    """Queue, case and button for each; how many pages were asked for. The sample shows its first page as often.

    Every request comes on a connection of its own: one that is kept stays with one of the console's two processes,
    and the other would do everything for the first time whenever it gets its turn.
    """
    session.headers["Connection"] = "close"
    for resident in people:
        session.get(f"{stack.profile.url('console')}/cases", timeout=30).raise_for_status()
        press_approve(stack, session, settlement, resident)
        requests.get(stack.profile.url("sample"), timeout=30).raise_for_status()
    return 3 * len(people)


def come_to_rest(services: SqlServices) -> None:
    """Until nothing waits for the directory, Keycloak or a mailbox."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with services.read() as connection:
            if all(state.waiting + state.retrying == 0 for state in target_states(connection)):
                time.sleep(REST)
                return
        time.sleep(0.5)
    raise TimeoutError("the outbox does not come to rest")


def main() -> bool:
    stack = Stack("bench")
    people = applicants(APPROVALS)
    try:
        settlement = settled(stack)
        services = registry_of(stack.profile)
        settlement.apply(people)
        come_to_rest(services)
        stack.restart(OURS)
        session = signed_in_manager(stack)
        time.sleep(REST)
        before = servers(stack)
        pages, looks = 0, []
        for half in (people[: APPROVALS // 2], people[APPROVALS // 2 :]):
            pages += work(stack, session, settlement, half)
            come_to_rest(services)
            looks.append(servers(stack))
        warm, after = looks
        yardstick = bare_flask().whole
    finally:
        stack.stop()
    figures: dict[str, float] = {"approvals": APPROVALS, "console_pages": pages}
    for name in stack.names:
        figures[f"{name}_start_mb"] = before[name].whole
        figures[f"{name}_after_mb"] = after[name].whole
    figures |= {f"{name}_first_half_growth_mb": warm[name].own - before[name].own for name in OURS}
    figures |= {f"{name}_second_half_growth_mb": after[name].own - warm[name].own for name in OURS}
    ours = sum(after[name].whole for name in OURS)
    figures |= {
        "ours_after_mb": ours,
        "everything_after_mb": sum(each.whole for each in after.values()),
        "yardstick_flask_mb": yardstick,
        "times_the_yardstick": ours / yardstick,
    }
    return report("memory", figures, {f"{name}_second_half_growth_mb": ("<=", GROWTH) for name in OURS})


if __name__ == "__main__":
    finish(met=main())
