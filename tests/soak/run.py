"""`make soak`: long random stories on profile soak for SOAK_MINUTES (20), each printed with its seed.

SOAK_SEED repeats the story of one seed. The stack's own worker and relay are never hurt; what they hold in memory is
measured all the while, because it must not grow: bench/results/soak_memory.json.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.harness import finish, report
from bench.memory import bare_flask, memory_of
from hufu_stack.stack import Stack
from tests.kit.faults.fault_injection import FaultInjection, faults_of
from tests.kit.faults.world import Office, office_on
from tests.soak.machine import Soak

MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
STEPS = 40
SAMPLE_EVERY = 5.0
MEASURED = ("worker", "relay")
# A process grows while it does everything for the first time; from then on this much is noise.
GROWTH_MB = 5.0


@dataclass
class Memory:
    """What the stack's own processes hold (MB, without what they share with others), sampled all the while."""

    stack: Stack
    samples: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MEASURED})
    ended: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self.ended.wait(SAMPLE_EVERY):
            for name, found in self.samples.items():
                pids = [stat.pid for stat in self.stack.server(name).process.members()]
                found.append(memory_of(pids).own)

    def figures(self) -> dict[str, float]:
        """Medians of the second and the last quarter of the time."""
        figures: dict[str, float] = {}
        for name, found in self.samples.items():
            quarter = max(1, len(found) // 4)
            warm, late = median(found[quarter : 2 * quarter] or found), median(found[-quarter:])
            figures |= {
                f"{name}_second_quarter_mb": warm,
                f"{name}_last_quarter_mb": late,
                f"{name}_growth_mb": late - warm,
            }
        return figures


def tell(what: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')}  {what}", flush=True)


def stories(office: Office, faults: FaultInjection, deadline: float) -> int:
    """Run one after the other until the time is over; how many there were."""
    count = 0

    def found() -> tuple[Office, FaultInjection]:
        nonlocal count
        count += 1
        print(f"story {count}", flush=True)
        office.found("北", "南", "東")
        office.managers.clear()
        office.appoint(2)
        return office, faults

    Soak.found, Soak.told = staticmethod(found), staticmethod(tell)
    given = os.environ.get("SOAK_SEED")
    while count == 0 or (given is None and time.monotonic() < deadline):
        number = secrets.randbelow(2**32) if given is None else int(given)
        print(f"SOAK_SEED={number}", flush=True)
        run_state_machine_as_test(
            seed(number)(Soak),
            settings=settings(
                # The first of a seed are always the dullest there are.
                max_examples=8,
                stateful_step_count=STEPS,
                deadline=None,
                database=None,
                phases=[Phase.generate],
                verbosity=Verbosity.quiet,
                suppress_health_check=list(HealthCheck),
            ),
        )
    return count


def main() -> bool:
    stack = Stack("soak")
    stack.reset()
    stack.up()
    memory = Memory(stack)
    watching = threading.Thread(target=memory.watch, daemon=True)
    try:
        with ExitStack() as meanwhile:
            office = meanwhile.enter_context(office_on(stack))
            faults = meanwhile.enter_context(faults_of(stack, alone=False))
            watching.start()
            count = stories(office, faults, time.monotonic() + MINUTES * 60)
            memory.ended.set()
    finally:
        stack.stop()
    figures = {"minutes": MINUTES, "stories": count, "accounts": len(office.names)} | memory.figures()
    yardstick, late = bare_flask().own, sum(figures[f"{name}_last_quarter_mb"] for name in MEASURED)
    figures |= {"yardstick_flask_mb": yardstick, "times_the_yardstick": late / yardstick}
    return report("soak_memory", figures, {f"{name}_growth_mb": ("<=", GROWTH_MB) for name in MEASURED})


if __name__ == "__main__":
    finish(met=main())
