"""The demo from nothing, and again with its data: what `make demo` waits for once everything is installed.

Cold: no folder, no databases, no directory, nobody in it; at the end twenty people can sign in. Warm: stopped, and
started again by the same steps, which find everything done.

Yardstick: Keycloak's start alone, on an empty database and on its own data.
"""

from __future__ import annotations

import time

from bench.harness import finish, report, seconds
from hufu_stack.demo import seed
from hufu_stack.keycloak import ensure_build
from hufu_stack.layout import profile
from hufu_stack.stack import FOREIGN, Stack

PROFILE = profile("bench-demo", 9360, 3, redirect_offset=30)
# What the demo reports when a stage is over.
STAGES = {"realm is applied": "realm", "agencies are imported": "agencies", "schema is current": "schema"}


def demo(stack: Stack) -> dict[str, float]:
    """Start as `make demo` does; the seconds after which each stage was over, and `all`."""
    start = time.perf_counter()
    over: dict[str, float] = {}

    def note(step: str) -> None:
        over[STAGES.get(step, step)] = time.perf_counter() - start

    stack.up(report=note)
    over["up"] = time.perf_counter() - start
    seed(stack, note)
    over["all"] = time.perf_counter() - start
    over["servers"] = max(over.get(f"{name} started", 0.0) for name in FOREIGN)
    return over


def keycloak_alone(stack: Stack) -> float:
    stack.start(["postgres"])
    return seconds(lambda: stack.start(["keycloak"], with_needs=False))


def main() -> bool:
    stack = Stack(PROFILE)
    stack.reset()
    PROFILE.log("keycloak").parent.mkdir(parents=True)
    ensure_build(PROFILE.log("keycloak"))
    try:
        yardstick_cold = keycloak_alone(stack)
        stack.reset()
        cold = demo(stack)
        stack.stop()
        yardstick_warm = keycloak_alone(stack)
        stack.stop()
        warm = demo(stack)
    finally:
        stack.reset()
    figures = {
        "cold_s": cold["all"],
        "cold_servers_s": cold["servers"],
        "cold_schema_and_realm_s": cold["realm"] - cold["servers"],
        "cold_own_processes_s": cold["up"] - cold["realm"],
        "cold_agencies_s": cold["agencies"] - cold["up"],
        "cold_people_s": cold["all"] - cold["agencies"],
        "warm_s": warm["all"],
        "warm_servers_s": warm["servers"],
        "yardstick_keycloak_cold_s": yardstick_cold,
        "yardstick_keycloak_warm_s": yardstick_warm,
        "cold_times_the_yardstick": cold["all"] / yardstick_cold,
        "warm_times_the_yardstick": warm["all"] / yardstick_warm,
    }
    return report("demo_start", figures, {"warm_s": ("<=", 60)})


if __name__ == "__main__":
    finish(met=main())
