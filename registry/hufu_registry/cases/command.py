"""`hufu system-manager` and `hufu managers`: the people who decide."""

from __future__ import annotations

from collections.abc import Callable

import click

from hufu_registry.bootstrap import SqlServices
from hufu_registry.cases.use_cases import FirstSystemManager, appoint_manager, first_system_manager
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import NotFound


@click.group("system-manager")
def system_manager() -> None:
    """The account that appoints all others."""


@system_manager.command("create")
@click.option("--account-name", required=True)
@click.option("--name", required=True, help="姓名")
@click.option("--mailbox", required=True, help="備用信箱; the activation link is mailed there")
@click.option("--agency", "agency_oid", required=True, help="OID of the agency he belongs to")
@click.pass_obj
def create(services_of: Callable[[], SqlServices], account_name: str, name: str, mailbox: str, agency_oid: str) -> None:
    """Make the first system manager and mail the activation link."""
    command = FirstSystemManager(account_name=account_name, name=name, mailbox=mailbox, agency_oid=agency_oid)
    account_id = first_system_manager(command, services_of(), OPERATOR)
    click.echo(f"account {account_id} opened; the activation link is on its way")


@click.group()
def managers() -> None:
    """機關管理者"""


@managers.command("appoint")
@click.argument("account_name")
@click.argument("agency_oid")
@click.option("--with-subordinates", is_flag=True, help="the grant covers the agencies below, too")
@click.pass_obj
def appoint(
    services_of: Callable[[], SqlServices], account_name: str, agency_oid: str, *, with_subordinates: bool
) -> None:
    """Make an account the manager of an agency."""
    services = services_of()
    with services.begin(OPERATOR) as work:
        account = work.accounts.find_by_name(account_name)
        agency = work.agencies.find_by_oid(agency_oid)
    if account is None or agency is None:
        raise NotFound("account" if account is None else "agency")
    appoint_manager(account.id, agency.id, services, OPERATOR, with_subordinates=with_subordinates)
    click.echo(f"{account.account_name} manages {agency.full_name}")


COMMANDS = (system_manager, managers)
