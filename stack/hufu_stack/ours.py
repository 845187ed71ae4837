"""Our own processes: the console, the writer of its exports, worker, relay, scheduler, and the sample application."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hufu_stack.environment import environment
from hufu_stack.layout import PROJECT
from hufu_stack.server import Server, answers, base_environment

ADDRESS = "127.0.0.1"


def script(name: str) -> str:
    """Return a command of this virtual environment."""
    return str(Path(sys.executable).parent / name)


@dataclass(frozen=True, slots=True)
class OwnProcess(Server):
    patience: ClassVar[float] = 60.0

    def environment(self) -> Mapping[str, str]:
        return base_environment() | environment(self.profile, self.name)

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port(self.name))]

    def probe(self) -> bool:
        return answers(f"{self.profile.url(self.name)}/healthz")


def _gunicorn(application: str, port: int, *options: str) -> list[str]:
    return [
        script("gunicorn"),
        application,
        f"--bind={ADDRESS}:{port}",
        "--worker-class=gthread",
        "--graceful-timeout=5",
        "--no-control-socket",
        *options,
    ]


@dataclass(frozen=True, slots=True)
class Console(OwnProcess):
    """Browsers reach it through the proxy alone."""

    name: ClassVar[str] = "console"
    needs: ClassVar[tuple[str, ...]] = ("postgres", "redis", "proxy")

    def command(self) -> Sequence[str]:
        port = self.profile.port("console-behind")
        return _gunicorn("hufu_console.wsgi:create()", port, "--workers=2", "--threads=4")

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port("console-behind"))]

    def probe(self) -> bool:
        return answers(f"{self.profile.url('console-behind')}/healthz")


@dataclass(frozen=True, slots=True)
class Exports(OwnProcess):
    name: ClassVar[str] = "exports"
    needs: ClassVar[tuple[str, ...]] = ("postgres", "redis")

    def command(self) -> Sequence[str]:
        return [script("hufu-exports")]


@dataclass(frozen=True, slots=True)
class Worker(OwnProcess):
    name: ClassVar[str] = "worker"
    needs: ClassVar[tuple[str, ...]] = ("postgres", "redis")

    def command(self) -> Sequence[str]:
        return [script("hufu-worker")]


@dataclass(frozen=True, slots=True)
class Relay(OwnProcess):
    name: ClassVar[str] = "relay"
    needs: ClassVar[tuple[str, ...]] = ("postgres", "redis")

    def command(self) -> Sequence[str]:
        return [script("hufu-relay")]


@dataclass(frozen=True, slots=True)
class Clock(OwnProcess):
    name: ClassVar[str] = "scheduler"
    needs: ClassVar[tuple[str, ...]] = ("postgres", "redis")

    def command(self) -> Sequence[str]:
        return [script("hufu-scheduler")]


@dataclass(frozen=True, slots=True)
class Sample(OwnProcess):
    name: ClassVar[str] = "sample"
    needs: ClassVar[tuple[str, ...]] = ("keycloak",)

    def command(self) -> Sequence[str]:
        folder = PROJECT / "docs" / "examples" / "sample_application"
        port = self.profile.port(self.name)
        return _gunicorn("app:create_app()", port, f"--chdir={folder}", "--workers=1", "--threads=4")
