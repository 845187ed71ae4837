"""`hufu sync …`: what operators look at without a browser."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import datetime

import click

from hufu_registry.bootstrap import SqlServices
from hufu_registry.sync.model import TargetState
from hufu_registry.sync.store import target_states


@click.group()
def sync() -> None:
    """What still has to reach Active Directory, Keycloak and the mailboxes."""


@sync.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Health and queue of each target; exits with 1 when something needs a person."""
    services: SqlServices = context.obj()
    with services.read() as connection:
        states = target_states(connection)
    if as_json:
        click.echo(json.dumps([asdict(state) for state in states], default=_text, ensure_ascii=False, indent=2))
    else:
        for line in table(states):
            click.echo(line)
    sys.exit(1 if any(alarms(state) for state in states) else 0)


def alarms(state: TargetState) -> bool:
    return state.failing_since is not None or state.parked > 0


def table(states: tuple[TargetState, ...]) -> list[str]:
    heads = ("target", "state", "waiting", "retrying", "parked", "oldest", "last success")
    rows = [
        (
            state.target.value,
            "ok" if state.failing_since is None else f"{state.code or 'failing'} since {_moment(state.failing_since)}",
            str(state.waiting),
            str(state.retrying),
            str(state.parked),
            _moment(state.oldest_at),
            _moment(state.last_success_at),
        )
        for state in states
    ]
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (heads, *rows)
    ]


def _moment(moment: datetime | None) -> str:
    return "-" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
