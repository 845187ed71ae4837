"""What the commands have in common: options, what they name, sentences for what goes wrong."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import click
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from hufu_registry.accounts.model import Account
from hufu_registry.agencies.command import by_oid
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import HufuError, NotFound
from hufu_registry.kernel.outbox import STATE_TARGETS, Kind, OutboxKey, Target
from hufu_registry.settings import names_of
from hufu_registry.sync.model import Code
from hufu_registry.sync.model.plan_file import Scope
from hufu_sync import logs
from hufu_sync.bootstrap import Parts, Targets, build_targets
from hufu_sync.converge import Converger
from hufu_sync.errors import TargetError
from hufu_sync.health import Heart, Metrics
from hufu_sync.planning import PlanLane, build_plan_lanes
from hufu_sync.settings import SyncSettings

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
ServicesOf = Callable[[], SqlServices]

EXIT_CODES = "Exit codes: 0 all is well, 1 something needs a person or did not work, 2 the command was not understood."

SENTENCES = {
    "agency": "no such agency",
    "account": "no such account",
    "work": "nothing is to be done for it there",
    "drift": "nothing differs there",
    "directory": "there is no directory here",
    "drift_not_acceptable": "{field} is none of an official's data: overwrite or ignore it",
    "drift_not_ours": "the registry knows nothing of it: adopt, disable or delete it there",
    "not_missed": "it was not found missing there: have it compared first",
    "plan_malformed": "this is no plan, or a damaged one: see {where}",
    "plan_other_version": "the plan was made by version {theirs}, this is {ours}: make a new one",
    "plan_other_registry": "the plan was made from another registry",
    "foreign_account": "there is no account of that name that is not ours",
    "stands_already": "the account stands in the directory already",
    "waits_for_agency": "its agency has to stand in the directory first",
}
CODES = {
    Code.PROTECTED_IN_AD: "it is protected in Active Directory (AdminSDHolder) and is never touched",
    Code.OUTSIDE_OUR_OU: "it stands outside our OU, where our account may change nothing: move it below our OU first",
    Code.AD_NO_RIGHTS: "our account has no right to change it: move it below our OU first",
}

TARGET_CHOICE = click.Choice([target.value for target in Target])
# Those with agencies and accounts in them.
STATE_TARGET_CHOICE = click.Choice([target.value for target in STATE_TARGETS])


def _target(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Target | None:
    return None if value is None else Target(value)


agency_option = click.option("--agency", metavar="OID", help="An agency and all below it (an OID, or # and a number).")
account_option = click.option("--account", metavar="NAME", help="One account.")
target_option = click.option("--target", type=TARGET_CHOICE, callback=_target, help="Only there.")
json_option = click.option("--json", "in_json", is_flag=True, help="For programs.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
yes_option = click.option("--yes", is_flag=True, help="Do it without asking.")
target_argument = click.argument("target", type=TARGET_CHOICE, callback=_target)
state_target_argument = click.argument("target", type=STATE_TARGET_CHOICE, callback=_target)


def one_object(command: F) -> F:
    """TARGET, and one object in it by --agency or --account."""
    return state_target_argument(agency_option(account_option(command)))


class Plainly(click.Group):
    """A rule's or a target's no becomes a sentence."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HufuError as fault:
            sentence = SENTENCES.get(fault.code, str(fault)).format(**fault.context)
            raise click.ClickException(sentence) from fault
        except OperationalError as fault:
            raise click.ClickException("the database does not answer") from fault
        except TargetError as error:
            raise click.ClickException(
                CODES.get(error.code) or f"{error.error_class.value}: {error.code.value}"
            ) from error


@dataclass(frozen=True, slots=True)
class Engine:
    """The registry, and the targets within reach: the directory first, where there is one."""

    services: SqlServices
    targets: Targets
    lanes: Sequence[PlanLane]

    @property
    def convergers(self) -> Sequence[Converger]:
        return [lane.converger for lane in self.lanes]

    def converger_of(self, target: Target) -> Converger:
        """Raises NotFound("directory")."""
        for converger in self.convergers:
            if converger.config.target is target:
                return converger
        raise NotFound("directory")


def build_engine(services: SqlServices) -> Engine:
    try:
        settings = SyncSettings()
    except ValidationError as fault:
        raise click.ClickException(f"this needs the worker's settings; missing or wrong: {names_of(fault)}") from fault
    logs.set_up("hufu", sys.stderr, logging.WARNING)
    targets = build_targets(settings)
    return Engine(services, targets, build_plan_lanes(Parts(settings, services, Heart(), Metrics()), targets))


@contextmanager
def engine(services_of: ServicesOf) -> Iterator[Engine]:
    built = build_engine(services_of())
    try:
        yield built
    finally:
        for converger in built.convergers:
            converger.target.close()


def account_of(services: SqlServices, name: str) -> Account:
    with services.begin(OPERATOR) as work:
        account = work.accounts.find_by_name(name)
    if account is None:
        raise NotFound("account")
    return account


def scope_of(services: SqlServices, agency: str | None, account: str | None) -> Scope:
    """Everything, where neither is named."""
    if agency is not None and account is not None:
        raise click.UsageError("either --agency or --account")
    return Scope(
        agency_id=None if agency is None else by_oid(services, agency).id,
        account_id=None if account is None else account_of(services, account).id,
    )


def key_of(services: SqlServices, target: Target, agency: str | None, account: str | None) -> OutboxKey:
    """Exactly one object in one target."""
    scope = scope_of(services, agency, account)
    if scope.account_id is not None:
        return OutboxKey(target, Kind.ACCOUNT, str(scope.account_id))
    if scope.agency_id is None:
        raise click.UsageError("name one with --agency or --account")
    return OutboxKey(target, Kind.AGENCY, str(scope.agency_id))


def ask(question: str, *, yes: bool) -> None:
    """Go on only with a yes; without a terminal there is nobody to give one."""
    if not yes:
        click.confirm(question, abort=True)


def act_on(named: Mapping[T, str], done: str, act: Callable[[T], object], *, dry_run: bool) -> None:
    """Do it to each, and say so by its name; or say what would be done."""
    for thing, name in named.items():
        if not dry_run:
            act(thing)
        click.echo(f"{name}: {'would be ' if dry_run else ''}{done}")
