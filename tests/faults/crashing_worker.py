"""A worker that is killed at one moment: `python -m tests.faults.crashing_worker TARGET MOMENT CALL`.

Only the tests start it; the product has no such hook. MOMENT is before or after, CALL is find, mail, or the name
of a step (Create, Place, SetFields …); it dies at the first such call about an account.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from hufu_registry.kernel.outbox import Kind
from hufu_registry.sync.model.plan import Desired, Observed, Step
from hufu_sync import logs
from hufu_sync.bootstrap import build_targets
from hufu_sync.settings import SyncSettings
from hufu_sync.targets.port import Credentials, SignInEvent, SignInServer
from hufu_sync.worker import run


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Doomed:
    """Passes everything on, and ends the process at its moment."""

    inner: SignInServer
    moment: str
    call: str

    def _at(self, moment: str, call: str, kind: Kind = Kind.ACCOUNT) -> None:
        if (moment, call, kind) == (self.moment, self.call, Kind.ACCOUNT):
            die()

    def probe(self) -> None:
        self.inner.probe()

    def find(self, desired: Desired, remote_id: str | None) -> Observed | None:
        self._at("before", "find", desired.kind)
        found = self.inner.find(desired, remote_id)
        self._at("after", "find", desired.kind)
        return found

    def apply(self, step: Step, desired: Desired, observed: Observed | None) -> str:
        self._at("before", type(step).__name__, desired.kind)
        remote_id = self.inner.apply(step, desired, observed)
        self._at("after", type(step).__name__, desired.kind)
        return remote_id

    def send_activation_mail(self, remote_id: str) -> None:
        self._at("before", "mail")
        self.inner.send_activation_mail(remote_id)
        self._at("after", "mail")

    def end_sessions(self, remote_id: str) -> None:
        self.inner.end_sessions(remote_id)

    def credentials(self, remote_id: str) -> Credentials:
        return self.inner.credentials(remote_id)

    def events(self, since: datetime, *, first: int, limit: int) -> Sequence[SignInEvent]:
        return self.inner.events(since, first=first, limit=limit)

    def password_is_set(self, remote_id: str) -> bool:
        return bool(self.inner.password_is_set(remote_id))  # type: ignore[attr-defined]


def main() -> None:
    target, moment, call = sys.argv[1:]
    logs.set_up("crashing-worker")
    settings = SyncSettings()
    targets = build_targets(settings)
    if target == "ad":
        targets = replace(targets, directory=Doomed(targets.directory, moment, call))  # type: ignore[arg-type]
    else:
        targets = replace(targets, sign_in=Doomed(targets.sign_in, moment, call))
    run(settings, targets)


if __name__ == "__main__":
    main()
