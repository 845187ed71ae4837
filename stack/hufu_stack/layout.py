"""Where everything of a profile lives: folders, ports and addresses."""

from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TOOLS = PROJECT / ".tools"
REALM = "hufu"
BASE_DN = "OU=Hufu,DC=agency,DC=test"

PORT_OFFSETS = {
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
    "clock": 11,
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


def _profile(name: str, base: int, address: str | None, *, redirect_offset: int = 80, durable: bool = True) -> Profile:
    return Profile(name, PROJECT / f".{name}", base, address, redirect_offset, durable)


# demo and demo-none share their ports: only one of them runs at a time.
PROFILES = {
    profile.name: profile
    for profile in (
        _profile("demo", 9100, "127.0.0.1"),
        _profile("demo-none", 9100, None),
        _profile("test", 9200, "127.0.0.2", durable=False),
        _profile("test-none", 9250, None, redirect_offset=20, durable=False),
        _profile("bench", 9300, "127.0.0.3"),
        _profile("soak", 9400, "127.0.0.4", durable=False),
    )
}
