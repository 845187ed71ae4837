"""/healthz and /metrics of a process, on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic
from typing import Protocol

from prometheus_client import CollectorRegistry, generate_latest


class Heart:
    """Parts of a process beat; a part that has not for `patience` seconds makes the process unwell."""

    def __init__(self, patience: float = 60.0) -> None:
        self._patience = patience
        self._beats: dict[str, float] = {}

    def beat(self, part: str) -> None:
        self._beats[part] = monotonic()

    def state(self) -> Mapping[str, bool]:
        return {part: monotonic() - beat < self._patience for part, beat in self._beats.items()}


class Counted(Protocol):
    @property
    def registry(self) -> CollectorRegistry: ...


@contextmanager
def serving(host: str, port: int, heart: Heart, metrics: Counted) -> Iterator[None]:
    server = ThreadingHTTPServer((host, port), _handler(heart, metrics))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(heart: Heart, metrics: Counted) -> Callable[..., BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/healthz":
                parts = heart.state()
                well = all(parts.values())
                body = json.dumps({"status": "ok" if well else "stuck", "parts": parts}).encode()
                self._answer(200 if well else 503, "application/json", body)
            elif self.path == "/metrics":
                self._answer(200, "text/plain; version=0.0.4", generate_latest(metrics.registry))
            else:
                self._answer(404, "text/plain", b"/healthz, /metrics\n")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            # Whoever asked may have stopped waiting.
            with suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Health checks are not worth a line."""

    return Handler
