"""Workers, relays and schedulers that the tests start themselves, beside the stack's or in their place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

from hufu_stack.environment import environment
from hufu_stack.layout import PROJECT
from hufu_stack.server import base_environment
from hufu_stack.stack import Stack

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


def started(stack: Stack, program: Program, *oddities: str, **variables: str) -> subprocess.Popen[bytes]:
    """One more of our processes; whoever starts it ends it."""
    log = stack.profile.log(f"odd-{program}")
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.kit.faults.faulty_process", program, *oddities],
            cwd=PROJECT,
            env=base_environment() | environment(stack.profile, program) | QUICK | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )


def end(process: subprocess.Popen[bytes]) -> None:
    """At once, as a power cut would; frozen ones too."""
    with suppress(ProcessLookupError):
        process.kill()
    process.wait(PATIENCE)


@contextmanager
def running(stack: Stack, program: Program, *oddities: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
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
