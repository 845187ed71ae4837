"""What all servers have in common: start, health, stop, kill, freeze, thaw."""

import os
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hufu_stack.layout import PROJECT, Profile
from hufu_stack.process import ProcessTree

PORT_PATIENCE = 5.0
# Where programs for root lie; another's PATH may lack the sbin folders.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "USER", "JAVA_HOME")


class ServerError(Exception):
    """A server did not start or broke; says which, why, and ends with its last words and the log's place."""

    def __init__(self, server: "Server", reason: str) -> None:
        self.server = server.name
        tail = "\n".join(f"    | {line}" for line in server.process.last_lines())
        super().__init__(f"{server.name}: {reason}\n{tail}\n    log: {server.process.log}")


@dataclass(frozen=True, slots=True)
class Server:
    """A server of one profile. A subclass says how it is prepared, started, and known to be well."""

    profile: Profile

    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()
    patience: ClassVar[float] = 30.0
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stops_whole_tree: ClassVar[bool] = False

    def prepare(self) -> None:
        """Make what must exist before the start; runs at each start and keeps what is there."""

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        return base_environment()

    def probe(self) -> bool:
        """Ask the server itself, as its users would; may raise OSError."""
        raise NotImplementedError

    def listens(self) -> Sequence[tuple[str, int]]:
        """Addresses that must be free before the start."""
        return ()

    def after_start(self) -> None:
        """Make what only the running server can make (databases, roles); keeps what is there."""

    def erase(self) -> None:
        """Delete what the stopped server keeps outside the profile's folder."""

    @property
    def process(self) -> ProcessTree:
        return ProcessTree(self.name, self.profile.folder / "run", self.profile.log(self.name))

    def running(self) -> bool:
        return self.process.pid() is not None

    def healthy(self) -> bool:
        try:
            return self.running() and self.probe()
        except (OSError, ValueError):
            return False

    def start(self) -> None:
        """Start unless it runs, and return once it is well."""
        if not self.running():
            # What a killed leader left behind would hold the ports.
            self.process.kill()
            self.process.log.parent.mkdir(parents=True, exist_ok=True)
            self.prepare()
            for address, port in self.listens():
                if not port_comes_free(address, port):
                    raise ServerError(self, f"port {port} on {address} is taken by another program")
            self.process.launch(self.command(), environment=self.environment(), directory=PROJECT)
        self.wait_until_healthy()
        self.after_start()

    def wait_until_healthy(self) -> None:
        deadline = time.monotonic() + self.patience
        while not self.healthy():
            if not self.running():
                raise ServerError(self, "ended by itself")
            if time.monotonic() > deadline:
                raise ServerError(self, f"not well after {self.patience:.0f} s")
            time.sleep(0.1)

    def stop(self) -> None:
        self.process.stop(self.stop_signal, whole_tree=self.stops_whole_tree, patience=15.0)

    def kill(self) -> None:
        self.process.kill()

    def freeze(self) -> None:
        """Stop the whole tree where it stands: it holds its connections and answers nothing."""
        self.process.freeze()

    def thaw(self) -> None:
        self.process.thaw()

    def state(self) -> str:
        if not self.running():
            return "down"
        if self.process.frozen():
            return "frozen"
        return "up" if self.healthy() else "unwell"


def base_environment() -> dict[str, str]:
    """Return what any child needs of our own environment, and nothing that could change what it does."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {"LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", **kept}


def port_comes_free(address: str, port: int) -> bool:
    """Tell whether it is free, or will be at once: a killed program's ports are a moment longer there than itself."""
    deadline = time.monotonic() + PORT_PATIENCE
    while not port_is_free(address, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def port_is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except PermissionError:
            return True  # the server will say so itself, in better words
        except OSError:
            return False
    return True


def answers(url: str, *, timeout: float = 2.0) -> bool:
    """Tell whether the URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as response:
            return bool(response.status == 200)
    except urllib.error.URLError:
        return False
