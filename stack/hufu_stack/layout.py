"""Where everything of a profile lives: folders, ports and addresses."""

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = PROJECT / ".tools"
REALM = "hufu"
BASE_DN = "OU=Hufu,DC=agency,DC=test"

PORT_OFFSETS = {
    # The proxy's, for browsers; the console itself stands behind it.
    "console": 1,
    "keycloak": 2,
    "keycloak-management": 3,
    "sample": 4,
    "mail": 5,
    "mail-http": 6,
    "postgres": 7,
    "redis": 8,
    "worker": 9,
    "relay": 10,
    "scheduler": 11,
    "exports": 12,
    "console-behind": 13,
}
REDIRECT_PORTS = 10


@dataclass(frozen=True, slots=True)
class Profile:
    """One complete set of servers, apart from every other set on this machine."""

    name: str
    folder: Path
    base: int
    directory_address: str | None
    redirect_offset: int = 80
    durable: bool = True

    @property
    def directory(self) -> str:
        return "none" if self.directory_address is None else "ad"

    @property
    def first_redirect_port(self) -> int:
        return self.base + self.redirect_offset

    def port(self, name: str) -> int:
        return self.base + PORT_OFFSETS[name]

    def url(self, name: str) -> str:
        return f"http://localhost:{self.port(name)}"

    @property
    def issuer(self) -> str:
        return f"{self.url('keycloak')}/realms/{REALM}"

    @property
    def ldap_url(self) -> str | None:
        return None if self.directory_address is None else f"ldaps://{self.directory_address}:636"

    def secret(self, name: str) -> Path:
        return self.folder / "secrets" / name

    def certificate(self, name: str) -> Path:
        return self.folder / "ca" / f"{name}.pem"

    def certificate_key(self, name: str) -> Path:
        return self.folder / "ca" / f"{name}.key"

    def data(self, server: str) -> Path:
        return self.folder / "data" / server

    def log(self, server: str) -> Path:
        return self.folder / "logs" / f"{server}.log"

    def run(self, file_name: str) -> Path:
        return self.folder / "run" / file_name

    @property
    def endpoints_file(self) -> Path:
        return self.folder / "endpoints.json"


# Which of several checkouts on one machine this is: each has ports and loopback addresses of its own.
SLOT = int(os.environ.get("HUFU_STACK_SLOT", "0"))
PORTS_A_SLOT = 500


def profile(
    name: str, base: int, last_octet: int | None = None, *, redirect_offset: int = 80, durable: bool = True
) -> Profile:
    """A profile in this checkout's folder; a directory, where there is one, listens on 127.0.SLOT.last_octet."""
    address = None if last_octet is None else f"127.0.{SLOT}.{last_octet}"
    return Profile(name, PROJECT / f".{name}", base + SLOT * PORTS_A_SLOT, address, redirect_offset, durable)


# demo and demo-none share their ports: only one of them runs at a time.
PROFILES = {
    each.name: each
    for each in (
        profile("demo", 9100, 1),
        profile("demo-none", 9100),
        profile("test", 9200, 2, durable=False),
        profile("test-none", 9250, redirect_offset=20, durable=False),
        profile("test-registry", 9320, redirect_offset=20, durable=False),
        profile("test-console", 9350, redirect_offset=20, durable=False),
        profile("bench", 9300, 3),
        profile("test-faults", 9500, 5, durable=False),
        profile("soak", 9400, 4, durable=False),
        profile("migration", 9420, redirect_offset=20, durable=False),
    )
}
