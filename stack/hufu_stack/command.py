"""The command `hufu-stack`."""

import sys
import time
from collections.abc import Callable

import click
import pyotp

from hufu_stack.directory import obstacle
from hufu_stack.endpoints import read_people
from hufu_stack.environment import environment, shell_exports
from hufu_stack.keycloak import ensure_distribution, version
from hufu_stack.layout import PROFILES, PROJECT
from hufu_stack.server import ServerError
from hufu_stack.stack import Stack, StepError

DEMOS = ("demo", "demo-none")
# HUFU_KEEP_STACK=1 leaves these running.
TEST_PROFILES = ("test", "test-faults", "test-none", "test-registry")


def progress() -> Callable[[str], None]:
    """Return a reporter that says each step with the seconds since the beginning."""
    began = time.monotonic()

    def report(step: str) -> None:
        click.echo(f"[{time.monotonic() - began:6.1f} s] {step}")

    return report


@click.group()
@click.option("--profile", type=click.Choice(list(PROFILES)), default="demo", show_default=True)
@click.pass_context
def cli(context: click.Context, profile: str) -> None:
    """Start, watch, hurt and stop the servers of one profile on this machine."""
    context.obj = Stack(profile)


def _names(function: Callable[..., None]) -> Callable[..., None]:
    return click.argument("names", nargs=-1)(click.pass_obj(function))


@cli.command()
@_names
def start(stack: Stack, names: tuple[str, ...]) -> None:
    """Start NAMES with what they need; without NAMES everything, schema and realm included."""
    if names:
        stack.start(names, report=progress())
    else:
        stack.up(report=progress())


@cli.command()
@_names
def stop(stack: Stack, names: tuple[str, ...]) -> None:
    """Stop NAMES, or everything."""
    stack.stop(names)


@cli.command()
@_names
def restart(stack: Stack, names: tuple[str, ...]) -> None:
    """Stop and start NAMES, or everything."""
    stack.restart(names)


@cli.command()
@_names
def kill(stack: Stack, names: tuple[str, ...]) -> None:
    """End NAMES at once, as a power cut would."""
    _require(names)
    stack.kill(*names)


@cli.command()
@_names
def freeze(stack: Stack, names: tuple[str, ...]) -> None:
    """Make NAMES hang: their connections stay and nothing answers."""
    _require(names)
    stack.freeze(*names)


@cli.command()
@_names
def thaw(stack: Stack, names: tuple[str, ...]) -> None:
    """Let frozen NAMES go on."""
    _require(names)
    stack.thaw(*names)


@cli.command()
@_names
def status(stack: Stack, names: tuple[str, ...]) -> None:
    """Show each server; the exit code is 1 if one of them is not up."""
    states = stack.status(names)
    for state in states:
        click.echo(f"{state.name:10} {state.state:7} {state.pid or '':>8}  {stack.profile.log(state.name)}")
    sys.exit(0 if all(state.state == "up" for state in states) else 1)


@cli.command()
@click.argument("name")
@click.pass_obj
def env(stack: Stack, name: str) -> None:
    """Print the environment of a process (console, exports, worker, relay, scheduler, registry, realm, sample)."""
    try:
        click.echo(shell_exports(environment(stack.profile, name)))
    except KeyError as error:
        raise click.UsageError(str(error.args[0])) from error


@cli.command()
def fetch() -> None:
    """Get Keycloak's distribution, so that the first start need not."""
    ensure_distribution(version())


@cli.command()
@click.argument("username")
@click.pass_obj
def otp(stack: Stack, username: str) -> None:
    """Print a person's one-time password of this moment."""
    for someone in read_people(stack.profile):
        if someone.username == username:
            click.echo(pyotp.TOTP(someone.totp_secret).now())
            return
    raise click.UsageError(f"nobody is called {username} in {stack.profile.endpoints_file}")


@cli.command()
@click.option("--directory", type=click.Choice(["ad", "none"]), default="ad", show_default=True)
def demo(directory: str) -> None:
    """Start the demo with everything in it; started again it keeps its data."""
    # The registry is loaded only here: servers must start even while it is being worked on.
    from hufu_stack.demo import seed, summary

    reason = obstacle(PROFILES["demo"]) if directory == "ad" else None
    if reason is not None:
        click.secho(f"\n  !!  NO DIRECTORY: {reason}.", fg="red", bold=True)
        click.secho("  !!  The demo runs without one (AD=none): Keycloak keeps local users.\n", fg="red", bold=True)
    without = directory == "none" or reason is not None
    chosen, other = ("demo-none", "demo") if without else ("demo", "demo-none")
    Stack(other).stop()  # both use the same ports
    stack, report = Stack(chosen), progress()
    stack.up(report=report)
    seed(stack, report)
    click.echo(summary(stack.profile))


@cli.command()
@click.argument("name")
def migration(name: str) -> None:
    """Write the migration NAME: what the code's tables have and the migrations do not make yet."""
    # As with the demo: servers must start even while the registry is being worked on.
    from hufu_stack.migration import write_migration

    click.echo(write_migration(name))


@cli.command()
@click.argument("name")
@click.option("--word", default="新功能", help="What its pages are called in Chinese.")
def feature(name: str, word: str) -> None:
    """Lay out the feature NAME, a plural as in bookings: folders, tests, words, a line in each composition."""
    # For the same reason.
    from hufu_stack.feature import FeatureNameError, write_feature

    try:
        for path in write_feature(name, word):
            click.echo(path.relative_to(PROJECT))
    except FeatureNameError as fault:
        raise click.UsageError(str(fault)) from fault
    click.echo(f"Next: make migration NAME={name}, make check; CONTRIBUTING.md says what each file is for.")


@cli.command("test-reset")
def test_reset() -> None:
    """Stop the servers that tests left running, and delete their data."""
    for profile in TEST_PROFILES:
        Stack(profile).reset()


@cli.command("demo-stop")
def demo_stop() -> None:
    """Stop the demo and keep its data."""
    for profile in DEMOS:
        Stack(profile).stop()


@cli.command("demo-status")
@click.pass_context
def demo_status(context: click.Context) -> None:
    """Show the servers of the demo that runs."""
    stacks = [Stack(profile) for profile in DEMOS]
    running = [stack for stack in stacks if any(state.pid for state in stack.status())]
    context.obj = (running or stacks)[0]
    context.invoke(status, names=())


@cli.command("demo-reset")
def demo_reset() -> None:
    """Stop the demo and delete its data."""
    for profile in DEMOS:
        Stack(profile).reset()


def _require(names: tuple[str, ...]) -> None:
    if not names:
        raise click.UsageError("name at least one server")


def main() -> None:
    """Run the command; a failure is told in words, not as a traceback."""
    try:
        cli(standalone_mode=False)
    except (ServerError, StepError) as failure:
        click.secho(f"\n{failure}", fg="red", err=True)
        sys.exit(1)
    except (KeyError, FileNotFoundError) as error:
        click.secho(str(error.args[0] if isinstance(error, KeyError) else error), fg="red", err=True)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
