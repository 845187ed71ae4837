"""Workers, relays and schedulers that the tests start themselves, beside the stack's or in their place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from typing import Literal

from hufu_stack.environment import environment
from hufu_stack.server import base_environment
from hufu_stack.stack import Stack
from tests.kit.faults import faulty_process

Program = Literal["worker", "relay", "scheduler"]
# What is 30 seconds in an office need not be here.
QUICK = {
    "HUFU_LEASE_SECONDS": "4",
    "HUFU_CALL_SECONDS": "2",
    "HUFU_PROBE_SECONDS": "1",
    "HUFU_PAUSED_PROBE_SECONDS": "3",
    "HUFU_HEALTH_PORT": "0",
}
PATIENCE = 15.0
# Dozens of them are started and killed: they are forked off one that has imported all there is, and has done nothing.
FORKED = get_context("forkserver")
FORKED.set_forkserver_preload([faulty_process.__name__, "pytest"])


def started(stack: Stack, program: Program, *oddities: str, **variables: str) -> ForkServerProcess:
    """One more of our processes; whoever starts it ends it."""
    values = base_environment() | environment(stack.profile, program) | QUICK | variables
    log = stack.profile.log(f"odd-{program}")
    process = FORKED.Process(target=faulty_process.run, args=(program, oddities, values, log), daemon=True)
    process.start()
    return process


def ended(process: ForkServerProcess, patience: float) -> int | None:
    """How it ended, minus the signal's number where one did it; None when it still runs."""
    process.join(patience)
    return process.exitcode


def end(process: ForkServerProcess) -> None:
    """At once, as a power cut would; frozen ones too."""
    process.kill()
    process.join(PATIENCE)


@contextmanager
def running(stack: Stack, program: Program, *oddities: str, **variables: str) -> Iterator[ForkServerProcess]:
    process = started(stack, program, *oddities, **variables)
    try:
        yield process
    finally:
        end(process)


@contextmanager
def without(stack: Stack, names: Sequence[str]) -> Iterator[None]:
    """The stack's own ones are stopped meanwhile."""
    stack.stop(names)
    try:
        yield
    finally:
        stack.start(names)
