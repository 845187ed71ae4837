"""`hufu sync …`: what operators see of the sync engine, and do with it, without a browser."""

from __future__ import annotations

import click

from hufu_sync.command.directory import directory
from hufu_sync.command.drifts import compare, drift
from hufu_sync.command.plans import adopt, apply, plan
from hufu_sync.command.shared import EXIT_CODES, Plainly
from hufu_sync.command.work import drop, make_again, pause, queue, resume, retry, status


@click.group(cls=Plainly, epilog=EXIT_CODES)
def sync() -> None:
    """What still has to reach Active Directory, Keycloak and the mailboxes, and what becomes of it.

    `plan`, `apply`, `compare`, `adopt` and `directory` speak to the targets and need the worker's settings.
    """


for command in (status, queue, plan, apply, drift, compare, adopt, pause, resume, retry, make_again, drop, directory):
    sync.add_command(command)
