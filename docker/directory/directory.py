"""The stack's domain controller in a container: same rules and delegations, certificates and passwords as secrets.

Usage: directory.py serve | probe
"""

import os
import shutil
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hufu_stack.directory import SECRETS, Directory
from hufu_stack.layout import Profile
from hufu_stack.secret_files import write_private

FOLDER = Path("/var/lib/hufu")
GIVEN = Path("/run/secrets")


@dataclass(frozen=True, slots=True)
class ContainedDirectory(Directory):
    """Listens on the container's own address."""

    def own_settings(self) -> Mapping[str, str]:
        # What Samba keeps beside files by default only a privileged container may write.
        return {"acl_xattr:security_acl_name": "user.NTACL"}

    def ensure_certificate(self) -> None:
        # Samba insists on owning its key alone, and a secret's file belongs to whoever owns it outside.
        write_private(self.profile.certificate("ca"), (GIVEN / "ldap-ca").read_bytes())
        write_private(self.profile.certificate("directory"), (GIVEN / "directory-certificate").read_bytes())
        write_private(self.profile.certificate_key("directory"), (GIVEN / "directory-key").read_bytes())


def contained() -> ContainedDirectory:
    address = socket.gethostbyname(socket.gethostname())
    return ContainedDirectory(Profile("docker", FOLDER, base=0, directory_address=address))


def serve() -> None:
    directory = contained()
    for secret in SECRETS.values():
        write_private(directory.profile.secret(secret), (GIVEN / secret).read_bytes())
    directory.ensure_certificate()
    directory.profile.log(directory.name).parent.mkdir(parents=True, exist_ok=True)
    directory.prepare()
    command = directory.command()
    os.execv(shutil.which(command[0]) or command[0], command)  # noqa: S606 - Samba takes this process over


def probe() -> None:
    # The certificate names the service, not the container's address, so only the port is asked.
    with socket.create_connection((contained().address, 636), timeout=2):
        pass


if __name__ == "__main__":
    {"serve": serve, "probe": probe}[sys.argv[1]]()
