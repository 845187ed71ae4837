"""A TCP proxy between a worker and a server, that knows one request from another and hurts the one it is told to.

It speaks TLS on both sides where it is given the server's certificate, and so sees what a directory is asked; the
worker verifies it like the server itself. A lost answer is the case that matters: the request was applied, and
whoever asked never learns of it.
"""

from __future__ import annotations

import re
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from hufu_stack.layout import Profile

PATIENCE = 10.0
HTTP = re.compile(rb"(GET|POST|PUT|DELETE) (\S+) HTTP/1\.1\r\n")
LDAP_REQUESTS = {
    0x60: "bind",
    0x42: "unbind",
    0x63: "search",
    0x66: "modify",
    0x68: "add",
    0x4A: "delete",
    0x6C: "move",
}


class Fault(Enum):
    CUT = "the connection ends before the server sees the request"
    LOSE = "the server does it, and its answer never arrives"
    FREEZE = "nothing passes in either direction until it is healed, the request included"
    HOLD = "the server does it, and then nothing passes until it is healed, the answer included"


def ldap_request(data: bytes) -> str:
    """What request begins here and about which entry ("add cn=…"); empty for the middle of one."""
    with suppress(IndexError):
        if data[0] != 0x30:
            return ""
        number = _content(data, 0)
        request = number + 1 + data[number + 1] + 1
        name = LDAP_REQUESTS.get(data[request], "")
        if data[number] != 0x02 or name not in {"add", "modify", "move", "delete"}:
            return name
        # A deletion is nothing but the name; the others begin with it.
        entry = request if name == "delete" else _content(data, request)
        begin = _content(data, entry)
        return f"{name} {data[begin : begin + _length(data, entry)].decode('utf-8', 'replace')}"
    return ""


def _content(data: bytes, at: int) -> int:
    """Where the content of the BER element at this place begins."""
    return at + 2 + (data[at + 1] & 0x7F if data[at + 1] & 0x80 else 0)


def _length(data: bytes, at: int) -> int:
    """How long it is."""
    return int.from_bytes(data[at + 2 : _content(data, at)], "big") if data[at + 1] & 0x80 else data[at + 1]


def http_request(data: bytes) -> str:
    """Method and path of the request that begins here; empty for the middle of one."""
    found = HTTP.match(data)
    return f"{found[1].decode()} {found[2].decode()}" if found else ""


@dataclass(eq=False)
class Proxy:
    """Listens on a free port of `host`. `tls` is (certificate, key, authority) of the server.

    `requests` are those that passed or were hurt, in order; the regular expression of a fault is searched in them.
    What a client says waits for `delay` seconds, as if its server stood so far away, there and back.
    """

    host: str
    to: tuple[str, int]
    request_of: Callable[[bytes], str]
    tls: tuple[str, str, str] | None = None
    delay: float = 0.0
    requests: list[str] = field(default_factory=list)
    port: int = 0
    hurt: int = 0
    _faults: list[tuple[re.Pattern[str], Fault]] = field(default_factory=list)
    _moving: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    SLICE: ClassVar[float] = 0.2

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        with socket.create_server((self.host, 0)) as listener:
            listener.settimeout(self.SLICE)
            self.port = listener.getsockname()[1]
            self._moving.set()
            accepting = threading.Thread(target=self._accept, args=[listener], daemon=True)
            accepting.start()
            try:
                yield self
            finally:
                self._ended.set()
                self._moving.set()
                accepting.join(PATIENCE)

    @property
    def url(self) -> str:
        return f"{'ldaps' if self.tls else 'http'}://{self.host}:{self.port}"

    def at_next(self, pattern: str, fault: Fault) -> None:
        """Hurt the next request that matches, once."""
        with self._lock:
            self._faults.append((re.compile(pattern), fault))

    def heal(self) -> None:
        with self._lock:
            self._faults.clear()
        self._moving.set()

    def count(self, pattern: str) -> int:
        return sum(1 for request in self.requests if re.search(pattern, request))

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended.is_set():
            with suppress(TimeoutError):
                plain, _ = listener.accept()
                threading.Thread(target=self._serve, args=[plain], daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        # A side that went away is what this is for.
        with plain, suppress(OSError):
            plain.settimeout(PATIENCE)
            with self._towards_client(plain) as client, self._towards_server() as server:
                self._pass_on(client, server)

    def _towards_client(self, plain: socket.socket) -> socket.socket:
        if self.tls is None:
            return plain
        certificate, key, _ = self.tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context.wrap_socket(plain, server_side=True)

    def _towards_server(self) -> socket.socket:
        plain = socket.create_connection(self.to, timeout=PATIENCE)
        if self.tls is None:
            return plain
        context = ssl.create_default_context(cafile=self.tls[2])
        return context.wrap_socket(plain, server_hostname=self.to[0])

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        ending: Fault | None = None
        with selectors.DefaultSelector() as readable:
            readable.register(client, selectors.EVENT_READ)
            readable.register(server, selectors.EVENT_READ)
            while not self._ended.is_set():
                for key, _ in readable.select(self.SLICE):
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    data = _read(source)
                    self._moving.wait()
                    if not data:
                        return
                    if source is server:
                        if ending is Fault.LOSE:
                            return
                        if ending is Fault.HOLD:
                            self._freeze()
                        ending = None
                        client.sendall(data)
                        continue
                    ending = self._fault_of(data) or ending
                    if ending is Fault.CUT:
                        return
                    if ending is Fault.FREEZE:
                        self._freeze()
                        ending = None
                    time.sleep(self.delay)
                    server.sendall(data)

    def _freeze(self) -> None:
        self._moving.clear()
        self._moving.wait()

    def _fault_of(self, data: bytes) -> Fault | None:
        request = self.request_of(data)
        if not request:
            return None
        with self._lock:
            self.requests.append(request)
            for each in self._faults:
                if each[0].search(request):
                    self._faults.remove(each)
                    self.hurt += 1
                    return each[1]
        return None


def _read(source: socket.socket) -> bytes:
    """All there is; a TLS socket may hold more than select sees."""
    data = source.recv(65536)
    while isinstance(source, ssl.SSLSocket) and source.pending():
        data += source.recv(65536)
    return data


def before_directory(profile: Profile) -> Proxy:
    assert profile.directory_address is not None
    files = (profile.certificate("directory"), profile.certificate_key("directory"), profile.certificate("ca"))
    certificate, key, authority = (str(path) for path in files)
    address = profile.directory_address
    return Proxy(address, (address, 636), ldap_request, (certificate, key, authority))


def before_keycloak(profile: Profile) -> Proxy:
    return Proxy("127.0.0.1", ("127.0.0.1", profile.port("keycloak")), http_request)
