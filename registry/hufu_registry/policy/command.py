"""hufu settings …: what is set, and setting it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import click
import sqlalchemy as sa

from hufu_registry.agencies.command import DAY
from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.kernel.clock import TAIPEI, Clock
from hufu_registry.kernel.errors import Invalid, NotFound
from hufu_registry.kernel.policy import Policy, text_of
from hufu_registry.kernel.work import Services
from hufu_registry.policy import use_cases
from hufu_registry.policy.model import SettingValue
from hufu_registry.policy.store import given, is_readable
from hufu_registry.policy.use_cases import ChangeSetting, change_setting

DEFAULT = "default"
UNREADABLE = "  cannot be read, so it does not count: set it anew"
SENTENCES = {
    "setting_shape": "not a value of this setting: a number, or a number with d, h, m or s, as its default shows",
    "setting_bounds": "must be between {minimum} and {maximum}",
    "setting_less_than": "{less} may not be less than {more}",
    "too_long": "is too long",
    "control_character": "holds a character that nobody sees",
    "mail_domains_many": "at most {most} domains",
    "mail_domain_shape": "“{domain}” is no mail domain: two names or more with dots between, as agency.gov.tw",
    "mail_domain_anybodys": "below “{domain}” anybody may have a name; only domains of agencies, as agency.gov.tw",
    "setting_for_everybody": "this setting is everybody's, not an agency's own",
    "in_the_past": "the day is past",
}


class OperatorServices(Services[use_cases.Work], Protocol):
    @property
    def clock(self) -> Clock: ...
    @property
    def policy(self) -> Policy: ...
    def read(self) -> AbstractContextManager[sa.Connection]: ...


ServicesOf = Callable[[], OperatorServices]


@click.group()
def settings() -> None:
    """What may be set while everything runs."""


@settings.command("list")
@click.pass_obj
def list_settings(services_of: ServicesOf) -> None:
    """Every setting with its default and bounds, and below it what was set."""
    services = services_of()
    with services.begin(OPERATOR) as work:
        declared = work.settings.declared
    now = services.clock.now()
    with services.read() as connection:
        values = given(connection, now)
    for key, setting in declared.items():
        bounds = f"  ({setting.lowest} to {setting.highest})" if setting.highest else ""
        own = "  each agency may have its own" if setting.per_agency else ""
        click.echo(f"{key} = {text_of(getattr(services.policy, key))}{bounds}{own}")
        for value in values:
            if value.key == key:
                unreadable = value.value is not None and not is_readable(setting, value.value)
                click.echo(f"    {_line(value, now)}{UNREADABLE if unreadable else ''}")


@settings.command("set")
@click.argument("key")
@click.argument("value")
@click.option("--agency", "agency", default="", help="for this agency (OID) and those under it")
@click.option("--from", "since", type=DAY, help="from this day on, midnight in Taipei")
@click.pass_obj
def set_setting(services_of: ServicesOf, key: str, value: str, agency: str, since: datetime | None) -> None:
    """Give KEY a VALUE; "default" takes back what was given."""
    services = services_of()
    place = None
    if agency:
        with services.begin(OPERATOR) as work:
            place = work.agencies.find_by_oid(agency)
        if place is None:
            raise NotFound("agency")
    command = ChangeSetting(
        key=key,
        value=None if value == DEFAULT else value,
        agency_id=None if place is None else place.id,
        valid_from=None if since is None else since.date(),
    )
    try:
        changed = change_setting(command, services, OPERATOR)
    except Invalid as fault:
        code = next(iter(fault.fields.values()))
        raise click.ClickException(f"{key}: {SENTENCES[code].format(**fault.context)}") from fault
    click.echo(f"{key}: {_line(changed, services.clock.now())}")


def _line(value: SettingValue, now: datetime) -> str:
    whose = "" if value.agency_id is None else f"#{value.agency_id}: "
    begins = value.valid_from.astimezone(TAIPEI)
    since = f"from {begins:%Y-%m-%d %H:%M}" if value.valid_from > now else f"since {begins:%Y-%m-%d %H:%M}"
    said, *more = (DEFAULT if value.value is None else value.value).split("\n")
    return f"{whose}{said}{' …' if more else ''}  {since}"


COMMANDS = (settings,)
