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
SHARED = PROJECT / "docker" / "proxy"
# Answered without asking anybody; no page of the console is called so.
PROBE = "/proxy-pages"
SETTINGS = """\
{user}load_module /usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so;
daemon off;
pid {folder}/nginx.pid;
worker_processes 2;
# Below, nginx quotes requests.
error_log stderr alert;

events {{
	worker_connections 2048;
}}

http {{
	include {shared}/http.conf;
	client_body_temp_path {folder}/bodies;
	proxy_temp_path {folder}/answers;
	fastcgi_temp_path {folder}/unused;
	uwsgi_temp_path {folder}/unused;
	scgi_temp_path {folder}/unused;

	server {{
		listen {address}:{port};
		set $upstream http://{address}:{behind};
		set $public_host localhost:{port};
		include {shared}/pages.conf;
		location / {{
			include {shared}/site.conf;
		}}
		location /static/ {{
			gzip on;
			include {shared}/site.conf;
		}}
		location = {probe} {{
			access_log off;
			return 204;
		}}
	}}
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy(Server):
    name: ClassVar[str] = "proxy"

    @property
    def folder(self) -> Path:
        return self.profile.data(self.name)

    @property
    def _config(self) -> Path:
        return self.folder / "nginx.conf"

    def environment(self) -> Mapping[str, str]:
        return base_environment() | {"PATH": PATH}

    def prepare(self) -> None:
        if shutil.which("nginx", path=PATH) is None:
            raise ServerError(self, "nginx is not installed: run `make setup`")
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = SETTINGS.format(
            # Started by root, its workers would be somebody who may not enter the project's folder.
            user="user root;\n" if os.geteuid() == 0 else "",
            folder=self.folder,
            shared=SHARED,
            address=ADDRESS,
            port=self.profile.port("console"),
            behind=self.profile.port("console-behind"),
            probe=PROBE,
        )
        self._config.write_text(settings)

    def command(self) -> Sequence[str]:
        return ["nginx", "-e", "stderr", "-p", f"{SHARED}/", "-c", str(self._config)]

    def listens(self) -> Sequence[tuple[str, int]]:
        return [(ADDRESS, self.profile.port("console"))]

    def probe(self) -> bool:
        with socket.create_connection((ADDRESS, self.profile.port("console")), timeout=2) as connection:
            connection.sendall(f"GET {PROBE} HTTP/1.0\r\n\r\n".encode())
            return connection.recv(64).startswith(b"HTTP/1.1 204")
