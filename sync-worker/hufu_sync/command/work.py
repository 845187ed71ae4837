"""`hufu sync status`, `queue`, `pause`, `resume`, `retry`, `make-again`, `drop`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import click

from hufu_registry.bootstrap import SqlServices
from hufu_registry.guard.model import HeldState
from hufu_registry.guard.store import list_held_changes
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.outbox import OutboxKey, Target
from hufu_registry.kernel.paging import MAX_SIZE, Page
from hufu_registry.sync import use_cases
from hufu_registry.sync.model import SyncPolicy, TargetState, WorkRow, WorkState
from hufu_registry.sync.store import drift_rows, target_states, work_rows
from hufu_sync.command.shared import (
    ServicesOf,
    account_option,
    act_on,
    agency_option,
    ask,
    dry_run_option,
    json_option,
    key_of,
    one_object,
    target_argument,
    target_option,
    yes_option,
)
from hufu_sync.printing import as_json, moment, table

# Rows that wait so long while nothing is finished: nobody works.
STANDING = timedelta(minutes=15)


@click.command()
@json_option
@click.pass_obj
def status(services_of: ServicesOf, *, in_json: bool) -> None:
    """Health and queue of each target, and held sets; exits with 1 when something needs a person."""
    services = services_of()
    with services.reading() as work:
        connection, now, policy = work.connection, work.now, work.policy
        states = target_states(connection)
        held = list_held_changes(connection, Page(size=1), HeldState.HELD).total
        differences = drift_rows(connection, services.keys, Page(size=1), now=now).total
    alarms = [*(alarm for state in states for alarm in alarms_of(state, now, policy))]
    if held:
        alarms.append(f"held sets: {held}")
    if in_json:
        click.echo(as_json({"targets": states, "held_changes": held, "differences": differences, "alarms": alarms}))
    else:
        for line in table(HEADS, [_line(state, now) for state in states]):
            click.echo(line)
        if differences:
            click.echo(f"  differences: {differences}, see hufu sync drift")
        for alarm in alarms:
            click.echo(f"! {alarm}")
    sys.exit(1 if alarms else 0)


HEADS = ("target", "state", "waiting", "retrying", "parked", "oldest", "age", "done/min", "taken/hour", "last success")


def _line(state: TargetState, now: datetime) -> tuple[str, ...]:
    return (
        state.target.value,
        _state(state),
        str(state.waiting),
        str(state.retrying),
        str(state.parked),
        moment(state.oldest_at),
        "-" if state.oldest_at is None else str(timedelta(seconds=int((now - state.oldest_at).total_seconds()))),
        str(state.rate),
        str(state.destructive_last_hour),
        moment(state.last_success_at),
    )


def _state(state: TargetState) -> str:
    if state.paused_at is not None:
        return "paused"
    return "ok" if state.failing_since is None else _failing(state)


def _failing(state: TargetState) -> str:
    return f"{state.code or 'failing'} since {moment(state.failing_since)}"


def alarms_of(state: TargetState, now: datetime, policy: SyncPolicy) -> Iterator[str]:
    """What about a target needs a person."""
    target = state.target.value
    if state.paused_at is not None:
        yield f"{target}: paused by hand since {moment(state.paused_at)}: {state.paused_why}"
    if state.failing_since is not None:
        yield f"{target}: {_failing(state)}"
    if state.parked:
        yield f"{target}: {state.parked} parked: hufu sync queue --target {target} --state parked"
    if state.destructive_last_hour >= policy.destructive_steps_per_hour:
        yield f"{target}: the limit of {policy.destructive_steps_per_hour} destructive steps an hour is reached"
    if state.waiting and state.rate == 0 and state.oldest_at is not None and now - state.oldest_at > STANDING:
        yield f"{target}: nobody works on what waits: is the worker up?"


@click.command()
@target_option
@click.option("--state", type=click.Choice([state.value for state in WorkState]), help="Only these.")
@click.option("--words", default="", metavar="TEXT", help="Only what has this in the account's or agency's name.")
@json_option
@click.pass_obj
def queue(services_of: ServicesOf, target: Target | None, state: str | None, words: str, *, in_json: bool) -> None:
    """What waits, is tried again, or is parked for a person."""
    rows = list(_rows(services_of(), target, WorkState(state) if state else None, words))
    if in_json:
        click.echo(as_json(rows))
        return
    heads = ("target", "kind", "object", "agency", "state", "cause", "tries", "since", "next try")
    lines = [
        (
            row.key.target.value,
            row.key.kind.value,
            row.title,
            row.agency_name,
            row.state.value,
            row.code.value if row.code else "-",
            str(row.attempts),
            moment(row.requested_at),
            "when resumed" if row.paused and row.state is not WorkState.PARKED else moment(row.next_at),
        )
        for row in rows
    ]
    for line in table(heads, lines):
        click.echo(line)


def _rows(services: SqlServices, target: Target | None, state: WorkState | None, words: str) -> Iterator[WorkRow]:
    number = 1
    with services.read() as connection:
        while True:
            page = work_rows(connection, Page(number, MAX_SIZE), target=target, state=state, words=words)
            yield from page.rows
            if number >= page.pages:
                return
            number += 1


@click.command()
@target_argument
@click.option("--why", required=True, metavar="TEXT", help="For those who wonder later.")
@dry_run_option
@click.pass_obj
def pause(services_of: ServicesOf, target: Target, why: str, *, dry_run: bool) -> None:
    """Let nothing reach TARGET until `resume`. What is in hand is finished."""
    services = services_of()
    act_on(
        {target: target.value},
        "paused",
        lambda target: use_cases.pause_target(target, why, services, OPERATOR),
        dry_run=dry_run,
    )


@click.command()
@target_argument
@dry_run_option
@click.pass_obj
def resume(services_of: ServicesOf, target: Target, *, dry_run: bool) -> None:
    """End a pause by hand."""
    services = services_of()
    act_on(
        {target: target.value},
        "resumed",
        lambda target: use_cases.resume_target(target, services, OPERATOR),
        dry_run=dry_run,
    )


@click.command()
@target_argument
@agency_option
@account_option
@click.option("--parked", is_flag=True, help="Everything that is parked there.")
@dry_run_option
@click.pass_obj
def retry(
    services_of: ServicesOf, target: Target, agency: str | None, account: str | None, *, parked: bool, dry_run: bool
) -> None:
    """Try a parked or failing row of TARGET now."""
    services = services_of()
    act_on(
        _named(_chosen(services, target, agency, account, parked=parked)),
        "tried again",
        lambda key: use_cases.retry_now(key, services, OPERATOR),
        dry_run=dry_run,
    )


@click.command("make-again")
@one_object
@dry_run_option
@click.pass_obj
def make_again(
    services_of: ServicesOf, target: Target, agency: str | None, account: str | None, *, dry_run: bool
) -> None:
    """Make an object anew that is gone from TARGET: it gets another id there."""
    services = services_of()
    act_on(
        _named([key_of(services, target, agency, account)]),
        "made again",
        lambda key: use_cases.make_again(key, services, OPERATOR),
        dry_run=dry_run,
    )


@click.command()
@one_object
@click.option("--why", required=True, metavar="TEXT", help="Stays in the audit record.")
@dry_run_option
@yes_option
@click.pass_obj
def drop(
    services_of: ServicesOf,
    target: Target,
    agency: str | None,
    account: str | None,
    why: str,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    """Take a row out of the queue of TARGET undone; the next change of its object wants it again."""
    services = services_of()
    key = _queued(services, target, agency, account)
    if not dry_run:
        ask("Leave it undone?", yes=yes)
    act_on(_named([key]), "dropped", lambda key: use_cases.drop_work(key, why, services, OPERATOR), dry_run=dry_run)


def _chosen(
    services: SqlServices, target: Target, agency: str | None, account: str | None, *, parked: bool
) -> Sequence[OutboxKey]:
    if parked == bool(agency or account) or (target is Target.MAIL and not parked):
        raise click.UsageError("name one with --agency or --account, or all of them with --parked")
    if not parked:
        return [_queued(services, target, agency, account)]
    return [row.key for row in _rows(services, target, WorkState.PARKED, "")]


def _queued(services: SqlServices, target: Target, agency: str | None, account: str | None) -> OutboxKey:
    """As `key_of`; a deleted account, which still has to leave, by the name that the queue prints.

    Raises NotFound("account"), also where several deleted ones had that name.
    """
    try:
        return key_of(services, target, agency, account)
    except NotFound:
        if account is None:
            raise
        called = f" ({account})".casefold()
        rows = [row.key for row in _rows(services, target, None, account) if row.title.casefold().endswith(called)]
        if len(rows) != 1:
            raise
        return rows[0]


def _named(keys: Sequence[OutboxKey]) -> Mapping[OutboxKey, str]:
    return {key: f"{key.target.value} {key.kind.value} {key.object_id}" for key in keys}
