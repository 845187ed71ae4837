"""Our worker, relay or scheduler with something odd about it.

Only the tests start it; the product has no such hook. `--die TARGET MOMENT CALL` ends it by SIGKILL at the first
such call about an account, or, where CALL is agency:…, about an agency: TARGET is ad or keycloak, MOMENT before or
after, CALL find, an act's name (mail, sessions, unlock …) or a step's (Create, Place …). TARGET queue has the calls finish, and commit (only after it) of
the transaction that finishes; TARGET relay has enqueue. `--jump SECONDS` sets its clock wrong.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import time_machine

from hufu_registry.bootstrap import SqlServices
from hufu_registry.features import SqlWork
from hufu_registry.kernel.actor import SYSTEM, Actor
from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.store import SqlQueue
from hufu_sync import relay, scheduler, worker
from hufu_sync.targets.active_directory import ActiveDirectory
from hufu_sync.targets.keycloak import Keycloak

PROGRAMS = {"worker": worker.main, "relay": relay.main, "scheduler": scheduler.main}
TARGETS = {"ad": ActiveDirectory, "keycloak": Keycloak}
ACTS = {
    "mail": "send_activation_mail",
    "sessions": "end_sessions",
    "unlock": "unlock",
    "must_change": "must_change",
    "reset": "reset_credentials",
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def doom(owner: Any, name: str, moment: str, is_it: Callable[..., bool]) -> None:
    """End the process before or after the first call of `owner.name` that `is_it`."""
    inner = getattr(owner, name)

    def doomed(*arguments: Any, **named: Any) -> Any:
        at_last = is_it(*arguments)
        if at_last and moment == "before":
            die()
        result = inner(*arguments, **named)
        if at_last and moment == "after":
            die()
        return result

    setattr(owner, name, doomed)


def is_account(asked: Sequence[Any]) -> bool:
    return any(each.desired.kind is Kind.ACCOUNT for each in asked)


def arrange_death(target: str, moment: str, call: str) -> None:
    if target == "relay":
        doom(relay, "enqueue", moment, lambda queue, targets: bool(targets))
    elif target == "queue":
        if call == "commit":
            doom_after_commit()
        else:
            doom(SqlQueue, call, moment, lambda queue, done: is_about_account(done))
    elif call == "find":
        doom(TARGETS[target], "find", moment, lambda server, asked: is_account(asked))
    elif call in ACTS:
        doom(TARGETS[target], ACTS[call], moment, lambda *_: True)
    else:
        kind, _, name = call.rpartition(":")
        about = Kind(kind or Kind.ACCOUNT)
        doom(
            TARGETS[target],
            "apply",
            moment,
            lambda server, step, desired, observed: type(step).__name__ == name and desired.kind is about,
        )


def is_about_account(done: Any) -> bool:
    return any(claimed.key.kind is Kind.ACCOUNT for claimed in done)


def doom_after_commit() -> None:
    """End the process once the transaction that finished an account is there for everybody to see."""
    finish, begin = SqlQueue.finish, SqlServices.begin
    finished: list[bool] = []

    def watched_finish(queue: SqlQueue, done: Any) -> Any:
        finished.append(is_about_account(done))
        return finish(queue, done)

    @contextmanager
    def watched_begin(services: SqlServices, actor: Actor = SYSTEM, *, one_snapshot: bool = False) -> Iterator[SqlWork]:
        with begin(services, actor, one_snapshot=one_snapshot) as work:
            yield work
        if any(finished):
            die()

    SqlQueue.finish = watched_finish  # type: ignore[method-assign, assignment]
    SqlServices.begin = watched_begin  # type: ignore[method-assign, assignment]


def jump(seconds: float) -> None:
    time_machine.travel(datetime.now(UTC) + timedelta(seconds=seconds), tick=True).start()


def run(program: str, oddities: Sequence[str], variables: Mapping[str, str], log: Path) -> None:
    """In a process of its own, with nothing of the tests' environment; what it says goes into the log."""
    os.environ.clear()
    os.environ.update(variables)
    with log.open("ab") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # it is a file
    parser = argparse.ArgumentParser()
    parser.add_argument("--die", nargs=3, metavar=("TARGET", "MOMENT", "CALL"))
    parser.add_argument("--jump", type=float, default=0.0)
    asked = parser.parse_args(oddities)
    if asked.die:
        arrange_death(*asked.die)
    if asked.jump:
        jump(asked.jump)
    PROGRAMS[program]()
