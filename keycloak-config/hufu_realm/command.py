"""hufu-realm: bring a Keycloak server to the realm that is written down here."""

import os
from collections.abc import Callable
from pathlib import Path

import click
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hufu_realm.apply import RestlessError, apply
from hufu_realm.data import BadDataError, read
from hufu_realm.difference import plan
from hufu_realm.model import Action, Desired, Secret, Step
from hufu_realm.observe import observe
from hufu_realm.server import Server, ServerError

DATA = Path(__file__).resolve().parent.parent / "realm"
SIGN = {Action.CREATE: "+", Action.CHANGE: "~", Action.REMOVE: "-"}


class Settings(BaseSettings):
    """Where the server is and who changes it; what the data names comes from the same environment."""

    model_config = SettingsConfigDict(env_prefix="HUFU_")

    keycloak_url: str
    keycloak_admin: str
    keycloak_admin_password_file: Path
    realm: str = "hufu"
    realm_data: Path = Field(default=DATA)


def show(step: Step) -> None:
    """One step with its fields, as a person reads it; secrets are masked already."""
    click.echo(f"{SIGN[step.action]} {step.name}")
    for change in step.changes:
        if step.action is Action.CREATE:
            click.echo(f"    {change.path}: {change.after}")
        else:
            click.echo(f"    {change.path}: {change.before or '(none)'} → {change.after or '(none)'}")


def _open() -> tuple[Server, Desired]:
    settings = Settings()
    # The data is read first: an undefined variable must stop us before the server is even asked.
    desired = read(settings.realm_data, dict(os.environ), settings.realm)
    password = Secret(settings.keycloak_admin_password_file.read_text(encoding="utf-8").strip())
    return Server(settings.keycloak_url, settings.keycloak_admin, password, settings.realm), desired


def _told(work: Callable[[], int]) -> None:
    try:
        raise SystemExit(work())
    except (BadDataError, ServerError, RestlessError, OSError, ValueError) as problem:
        raise click.ClickException(str(problem)) from problem


@click.group()
def main() -> None:
    """The realm as data: plan shows, apply does, drift tells whether the server still agrees."""


@main.command("plan")
def plan_command() -> None:
    """Show what apply would do."""

    def work() -> int:
        server, desired = _open()
        steps = plan(desired, observe(server, desired))
        for step in steps:
            show(step)
        click.echo(f"realm {desired.realm}: {len(steps)} steps to do" if steps else f"realm {desired.realm}: agrees")
        return 0

    _told(work)


@main.command("apply")
def apply_command() -> None:
    """Bring the server to the data; a second time writes nothing."""

    def work() -> int:
        server, desired = _open()
        taken = apply(server, desired, show)
        click.echo(f"realm {desired.realm}: {taken} steps done, {server.writes} writes")
        return 0

    _told(work)


@main.command("drift")
def drift_command() -> None:
    """List what differs from the data; exit 2 if anything does."""

    def work() -> int:
        server, desired = _open()
        steps = plan(desired, observe(server, desired))
        for step in steps:
            show(step)
        click.echo(f"realm {desired.realm}: {len(steps)} differences")
        return 2 if steps else 0

    _told(work)
