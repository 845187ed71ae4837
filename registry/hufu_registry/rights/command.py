"""`hufu managers`: the people who decide."""

from __future__ import annotations

from collections.abc import Callable

import click

from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.errors import NotFound
from hufu_registry.rights.use_cases import appoint_manager


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


COMMANDS = (managers,)
