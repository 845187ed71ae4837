"""nginx in front of the console, with the settings that Docker's has: slow browsers keep no thread of it busy."""

import os
import shutil
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hufu_stack.layout import PROJECT
from hufu_stack.server import PATH, Server, ServerError, base_environment

ADDRESS = "127.0.0.1"
SETTINGS = PROJECT / "docker" / "proxy"
# Answered without asking anybody; no page of the console is called so.
PROBE = "/proxy-page"
DOORS = "server {{ listen {address}:{port} reuseport; proxy_pass unix:http.sock; }}\n"
SITES = """\
server {{
	listen unix:http.sock proxy_protocol;
	set $upstream http://{address}:{behind};
	set $public_host localhost:{port};
	include site.conf;
	location = {probe} {{
		access_log off;
		return 204;
	}}
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy(Server):
    name: ClassVar[str] = "proxy"

    @property
    def folder(self) -> Path:
        return self.profile.data(self.name)

    def environment(self) -> Mapping[str, str]:
        return base_environment() | {"PATH": PATH}

    def prepare(self) -> None:
        if shutil.which("nginx", path=PATH) is None:
            raise ServerError(self, "nginx is not installed: run `make setup`")
        shutil.rmtree(self.folder, ignore_errors=True)  # a killed one's sockets, too
        shutil.copytree(SETTINGS, self.folder)
        port, behind = self.profile.port("console"), self.profile.port("console-behind")
        (self.folder / "doors.conf").write_text(DOORS.format(address=ADDRESS, port=port))
        sites = SITES.format(address=ADDRESS, port=port, behind=behind, probe=PROBE)
        (self.folder / "sites.conf").write_text(sites)

    def command(self) -> Sequence[str]:
        # Started by root, its workers would be somebody who may not enter the project's folder.
        user = ["-g", "user root;"] if os.geteuid() == 0 else []
        # Its sockets lie where it stands: a long path is none for a socket.
        return ["env", f"--chdir={self.folder}", "nginx", "-e", "stderr", "-p", ".", "-c", "nginx.conf", *user]

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port("console"))]

    def probe(self) -> bool:
        with socket.create_connection((ADDRESS, self.profile.port("console")), timeout=2) as connection:
            connection.sendall(f"GET {PROBE} HTTP/1.0\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 204")
