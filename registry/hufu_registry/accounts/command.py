"""`hufu system-manager`: the account that appoints all others."""

from __future__ import annotations

from collections.abc import Callable

import click

from hufu_registry.accounts.use_cases import FirstSystemManager, first_system_manager
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR


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


COMMANDS = (system_manager,)
