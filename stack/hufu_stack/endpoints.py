"""endpoints.json: where everything is, for whoever drives the stack by script (docs/endpoints.md)."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hufu_stack.directory import DOMAIN_DN, bind_dn
from hufu_stack.layout import BASE_DN, PROFILES, REALM, REDIRECT_PORTS, Profile
from hufu_stack.secret_files import read_secret, write_private


@dataclass(frozen=True, slots=True)
class Person:
    """Someone of made-up name who can sign in."""

    username: str
    name: str
    password: str
    totp_secret: str
    role: str
    agency_oid: str


def describe(profile: Profile, people: Sequence[Person]) -> dict[str, Any]:
    """Return the content of endpoints.json."""
    redirect_ports = range(profile.first_redirect_port, profile.first_redirect_port + REDIRECT_PORTS)
    ldap = None
    if profile.ldap_url is not None:
        ldap = {
            "url": profile.ldap_url,
            "ca_file": str(profile.certificate("ca")),
            "bind_dn": bind_dn("hufu-reader"),
            "bind_password": read_secret(profile, "ldap-reader-password"),
            "base_dn": BASE_DN,
            "domain_dn": DOMAIN_DN,
        }
    return {
        "console": profile.url("console"),
        "apply": f"{profile.url('console')}/apply",
        "issuer": profile.issuer,
        "keycloak": {"base": profile.url("keycloak"), "realm": REALM},
        "sample_application": profile.url("sample"),
        "oidc_client": {
            "client_id": "hufu-integrator",
            "client_secret": read_secret(profile, "integrator-client-secret"),
            "redirect_uris": [f"http://localhost:{port}/*" for port in redirect_ports],
        },
        "people": [asdict(person) for person in people],
        "mail": {
            "smtp": f"127.0.0.1:{profile.port('mail')}",
            "http": profile.url("mail-http"),
            "messages": f"{profile.url('mail-http')}/api/messages",
        },
        "ldap": ldap,
        "database": {
            "host": "127.0.0.1",
            "port": profile.port("postgres"),
            "name": "hufu",
            "user": "hufu",
            "password_file": str(profile.secret("hufu-database-password")),
        },
        "redis": {
            "host": "127.0.0.1",
            "port": profile.port("redis"),
            "password_file": str(profile.secret("redis-password")),
        },
        "directory": profile.directory,
        "logs": str(profile.folder / "logs"),
    }


def write_endpoints(profile: Profile) -> None:
    """Write the file whole or not at all, with the people there are."""
    content = json.dumps(describe(profile, read_people(profile)), ensure_ascii=False, indent=2) + "\n"
    targets = [profile.endpoints_file]
    if profile.name == "demo-none":
        # Whoever drives the demo finds it at one place, with a directory or without.
        targets.append(PROFILES["demo"].endpoints_file)
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content)


def _replace(target: Path, content: str) -> None:
    part = target.with_suffix(".part")
    write_private(part, content.encode())
    part.replace(target)


def read_endpoints(profile: Profile) -> dict[str, Any]:
    endpoints: dict[str, Any] = json.loads(profile.endpoints_file.read_text())
    return endpoints


def write_people(profile: Profile, people: Sequence[Person]) -> None:
    """Keep what is nowhere else: passwords and OTP secrets of the demo's people."""
    _replace(_people_file(profile), json.dumps([asdict(person) for person in people], ensure_ascii=False))


def read_people(profile: Profile) -> list[Person]:
    path = _people_file(profile)
    return [Person(**person) for person in json.loads(path.read_text())] if path.exists() else []


def _people_file(profile: Profile) -> Path:
    return profile.secret("people.json")
