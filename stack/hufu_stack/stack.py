"""All servers of one profile, by name and in the right order."""

import fcntl
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hufu_stack.directory import Directory
from hufu_stack.endpoints import read_endpoints, write_endpoints
from hufu_stack.environment import environment
from hufu_stack.keycloak import Keycloak
from hufu_stack.layout import PROFILES, PROJECT, Profile
from hufu_stack.mail import Mail
from hufu_stack.ours import Clock, Console, Exports, Relay, Sample, Worker, script
from hufu_stack.postgres import Postgres
from hufu_stack.proxy import Proxy
from hufu_stack.redis_server import Redis
from hufu_stack.secret_files import ensure_secrets
from hufu_stack.server import Server, base_environment

KINDS: tuple[type[Server], ...] = (
    Postgres,
    Redis,
    Directory,
    Mail,
    Keycloak,
    Proxy,
    Console,
    Exports,
    Worker,
    Relay,
    Clock,
    Sample,
)
FOREIGN = ("postgres", "redis", "directory", "mail", "keycloak", "proxy")
OURS = ("console", "exports", "worker", "relay", "scheduler", "sample")

LONG = 60.0

Report = Callable[[str], None]


def _silent(_: str) -> None:
    return


class StepError(Exception):
    """A command of the set-up failed; says which and what it said last."""


@dataclass(frozen=True, slots=True)
class State:
    name: str
    state: str
    pid: int | None


class Stack:
    """The servers of one profile. Every call names servers; none means all of them."""

    def __init__(self, profile: Profile | str) -> None:
        self.profile = PROFILES[profile] if isinstance(profile, str) else profile
        kinds = [kind for kind in KINDS if self.profile.directory_address or kind is not Directory]
        self._servers = {kind.name: kind(self.profile) for kind in kinds}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._servers)

    def server(self, name: str) -> Server:
        if name not in self._servers:
            raise KeyError(f"no server {name} in profile {self.profile.name}: {', '.join(self._servers)}")
        return self._servers[name]

    def start(self, names: Iterable[str] = (), *, with_needs: bool = True, report: Report = _silent) -> None:
        """Start them, side by side where they do not need one another, and return once all are well."""
        ensure_secrets(self.profile)
        wanted = self._in_order(names, with_needs=with_needs)
        started: dict[str, Future[None]] = {}
        with self._alone(), ThreadPoolExecutor(max_workers=len(wanted)) as pool:
            if self.profile.directory_address is not None:
                # Before anybody starts: Keycloak trusts this authority, and starts beside the directory.
                Directory(self.profile).ensure_certificate()
            for server in wanted:
                waits_for = [started[need] for need in server.needs if need in started]
                started[server.name] = pool.submit(self._start_after, server, waits_for, report)
        failures = [error for future in started.values() if (error := future.exception()) is not None]
        if failures:
            raise failures[0]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else start servers of this profile at the same time."""
        with (self.profile.folder / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    @staticmethod
    def _start_after(server: Server, waits_for: Sequence[Future[None]], report: Report) -> None:
        for future in waits_for:
            future.result()
        was_running = server.running()
        if not was_running and server.patience > LONG:
            report(f"{server.name} is starting, which may take a minute")
        server.start()
        report(f"{server.name} {'runs' if was_running else 'started'}")

    def _in_order(self, names: Iterable[str], *, with_needs: bool) -> list[Server]:
        wanted = {self.server(name).name for name in names} or set(self._servers)
        while with_needs:
            more = {need for name in wanted for need in self.server(name).needs} - wanted
            if not more:
                break
            wanted |= more
        return [server for server in self._servers.values() if server.name in wanted]

    def up(self, *, report: Report = _silent) -> None:
        """Bring everything up: servers, schema, realm, our processes, endpoints.json."""
        self.start([name for name in FOREIGN if name in self._servers], report=report)
        self.run("registry", "hufu", "db", "upgrade")
        report("schema is current")
        self.run("realm", "hufu-realm", "apply")
        report("realm is applied")
        self.start(OURS, with_needs=False, report=report)
        write_endpoints(self.profile)

    def run(self, variables_of: str, command: str, *arguments: str, given: str | None = None) -> str:
        """Run one of our commands with the variables of a process, and return what it printed."""
        done = subprocess.run(
            [script(command), *arguments],
            env=base_environment() | environment(self.profile, variables_of),
            cwd=PROJECT,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        log = self.profile.log(command)
        # Options carry people's names and mailboxes.
        said = " ".join([command, *(argument.partition("=")[0] for argument in arguments)])
        with log.open("a") as file:
            file.write(f"$ {said}\n{done.stdout}{done.stderr}")
        if done.returncode != 0:
            tail = "\n".join(f"    | {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
            raise StepError(f"`{said}` failed\n{tail}\n    log: {log}")
        return done.stdout

    def stop(self, names: Iterable[str] = ()) -> None:
        """Stop them in reverse order, politely first."""
        for server in reversed(self._in_order(names, with_needs=False)):
            server.stop()

    def reset(self) -> None:
        """Stop everything and delete all data of the profile."""
        self.stop()
        for server in self._servers.values():
            server.erase()
        shutil.rmtree(self.profile.folder, ignore_errors=True)

    def kill(self, *names: str) -> None:
        for name in names:
            self.server(name).kill()

    def freeze(self, *names: str) -> None:
        for name in names:
            self.server(name).freeze()

    def thaw(self, *names: str) -> None:
        for name in names:
            self.server(name).thaw()

    def restart(self, names: Iterable[str] = ()) -> None:
        chosen = [server.name for server in self._in_order(names, with_needs=False)]
        self.stop(chosen)
        self.start(chosen, with_needs=False)

    def status(self, names: Iterable[str] = ()) -> list[State]:
        chosen = self._in_order(names, with_needs=False)
        return [State(server.name, server.state(), server.process.pid()) for server in chosen]

    @property
    def endpoints(self) -> dict[str, Any]:
        """Return what endpoints.json says."""
        return read_endpoints(self.profile)
