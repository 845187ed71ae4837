"""Secrets are made once per profile and live in files only their owner can read."""

import base64
import os
import secrets
import string
from pathlib import Path

from hufu_stack.layout import Profile

PASSWORDS = (
    "postgres-password",
    "hufu-database-password",
    "keycloak-database-password",
    "redis-password",
    "keycloak-admin-password",
    "ldap-sync-password",
    "ldap-keycloak-password",
    "ldap-reader-password",
    "console-client-secret",
    "sync-client-secret",
    "sample-client-secret",
    "integrator-client-secret",
)
KEYS = ("data-key", "index-key", "audit-key", "session-key", "sample-session-key")

_ALPHABET = string.ascii_letters + string.digits


def write_private(path: Path, content: bytes) -> None:
    """Write a file that was never readable by others, not even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def new_password(length: int = 32) -> str:
    """Return letters and digits only (no quoting anywhere), of all three kinds a directory asks for."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        kinds = (str.isupper, str.islower, str.isdigit)
        if all(any(kind(letter) for letter in password) for kind in kinds):
            return password


def ensure_secrets(profile: Profile) -> None:
    """Make what is missing; what is there is kept."""
    profile.folder.mkdir(parents=True, exist_ok=True)
    folder = profile.folder / "secrets"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o700)
    for name in PASSWORDS:
        if not profile.secret(name).exists():
            write_private(profile.secret(name), new_password().encode())
    for name in KEYS:
        if not profile.secret(name).exists():
            write_private(profile.secret(name), base64.b64encode(secrets.token_bytes(32)))


def read_secret(profile: Profile, name: str) -> str:
    return profile.secret(name).read_text().strip()
