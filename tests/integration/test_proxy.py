"""What the proxy keeps from the console: slow browsers, large bodies, and what strangers say of themselves."""

from __future__ import annotations

import resource
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress

import pytest
import requests
from requests.adapters import HTTPAdapter

from hufu_stack.layout import Profile
from hufu_stack.stack import Stack
from tests.kit.faults.world import until
from tests.kit.logs import told_of
from tests.kit.stacks import console_alone

FIFTY = 50
# An office of three hundred people, behind one address; and more than one address may have.
OFFICE, CROWD = 1800, 5000
# Nobody waits so long: one who does has found nobody there.
PATIENCE = 20.0
# Of the settings' time-outs the longest, and some for a busy machine.
UNTIL_LET_GO = 60.0
PAGE = "/static/vendor/bootstrap.min.css"
HEAD = "GET /apply HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = (
    "POST /apply HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    "Content-Length: 10000\r\n\r\nmailbox="
)
# More than what the systems on both sides keep for a connection.
READER = f"GET {PAGE} HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40
# Some of it is no request only to the proxy, some only to the console, which is asked past the proxy, too.
NO_REQUESTS = (
    b"hsiao@example.org\r\n\r\n",
    "王小明 /apply\x01\x7f HTTP/1.1\r\n\r\n".encode(),
    b"GET /apply?mailbox=hsiao@example.org\x01\xff HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /apply?mailbox=hsiao@example.org HTTP/hsiao\r\nHost: localhost\r\n\r\n",
    b"GET /apply HTTP/1.1\r\nHost: localhost\r\nhsiao@example.org: 1\r\nConnection: close\r\n\r\n",
    b"GET /apply HTTP/1.1\r\nHost: localhost\r\nExpect: hsiao@example.org\r\nConnection: close\r\n\r\n",
    b"HSIAO_HSIAO /apply HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"HSIAO_HSIAO_HSIAO_HSIAO_HSIAO /apply HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"POST /apply HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nhsiao@example.org\r\n",
)
FORGED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Ssl": "on",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Port": "81",
    "X-Forwarded-Prefix": "/evil",
    "Forwarded": "for=192.0.2.1;host=evil.example",
    "Host": "evil.example",
}


@pytest.fixture(scope="module")
def office() -> Iterator[Stack]:
    yield from console_alone()


@pytest.fixture
def console(office: Stack) -> str:
    return office.profile.url("console")


@contextmanager
def held(
    profile: Profile, sent: str, number: int = FIFTY, *, at: str = "127.0.0.1"
) -> Iterator[Sequence[socket.socket]]:
    """Connections from this address that have sent this and go no further; none of them reads."""
    with ExitStack() as opened:
        connections = []
        for _ in range(number):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.bind((at, 0))
            connection.connect(("127.0.0.1", profile.port("console")))
            with suppress(ConnectionError):  # one too many is ended at once
                connection.sendall(sent.encode())
            connections.append(connection)
        yield connections


def said(port: int, *sent: bytes) -> str:
    """What is answered to each, until the connection ends."""
    answers = b""
    for one in sent:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.sendall(one)
            connection.shutdown(socket.SHUT_WR)
            while some := connection.recv(65536):
                answers += some
    return answers.decode(errors="replace")


def ended(connections: Sequence[socket.socket]) -> int:
    """How many the other side has ended; what it wrote before is left where it is."""
    found = select.poll()
    for connection in connections:
        found.register(connection, select.POLLRDHUP)
    return len(found.poll(0))


def from_address(address: str) -> requests.Session:
    """A browser at another of this machine's addresses."""
    session = requests.Session()
    session.trust_env = False
    adapter = HTTPAdapter()
    adapter.init_poolmanager(1, 1, source_address=(address, 0))
    session.mount("http://", adapter)
    return session


@pytest.fixture
def many_files() -> Iterator[None]:
    """We may open as many as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_half_heads_of_one_address_take_nobody_elses_place(office: Stack, console: str, many_files: None) -> None:
    with (
        held(
            office.profile, "GET /proxy-page HTTP/1.1\r\nHost: localhost\r\n\r\n", OFFICE, at="127.0.0.2"
        ) as colleagues,
        held(office.profile, HEAD, CROWD, at="127.0.0.3") as crowd,
        from_address("127.0.0.2") as colleague,
    ):
        until(lambda: ended(crowd) >= CROWD - 2000)
        assert requests.get(f"{console}/apply", timeout=PATIENCE).status_code == 200
        assert ended(colleagues) == 0
        assert colleague.get(f"{console}/apply", timeout=PATIENCE).status_code == 200


def test_fifty_slow_heads_bodies_and_readers_stop_nobody_and_the_senders_are_let_go(
    office: Stack, console: str
) -> None:
    with held(office.profile, READER), ExitStack() as opened:
        kinds = [opened.enter_context(held(office.profile, sent)) for sent in (HEAD, BODY)]
        for _ in range(20):
            # Each by a connection of its own, as somebody new would.
            assert requests.get(f"{console}/apply", timeout=PATIENCE).status_code == 200
        deadline = time.monotonic() + UNTIL_LET_GO
        while any(ended(kind) < FIFTY for kind in kinds) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert [ended(kind) for kind in kinds] == [FIFTY] * 2
    assert requests.get(f"{console}/apply", timeout=PATIENCE).status_code == 200


def test_an_address_is_where_one_comes_from_not_what_one_says(console: str) -> None:
    """The limiter counts a minute's forms; whoever calls himself another each time is still one."""
    with from_address("127.0.0.1") as liar, from_address("127.0.0.77") as neighbour:
        for number in range(300):
            claimed = {"X-Forwarded-For": f"192.0.2.{number % 250}", "X-Real-IP": f"198.51.100.{number % 250}"}
            answer = liar.post(f"{console}/apply", headers=claimed, timeout=PATIENCE)
            if answer.status_code == 429:
                break
        else:
            pytest.fail("300 forms within some seconds, and no limit")
        assert neighbour.post(f"{console}/apply", timeout=PATIENCE).status_code == 400


def test_what_a_browser_says_of_host_and_scheme_is_not_believed(console: str) -> None:
    answer = requests.get(f"{console}/cases", headers=FORGED, allow_redirects=False, timeout=PATIENCE)
    assert answer.status_code in {302, 303}
    assert "evil" not in answer.headers["Location"]
    page = requests.get(f"{console}/apply", headers=FORGED, timeout=PATIENCE)
    assert page.status_code == 200
    assert "evil" not in page.text


@pytest.mark.parametrize("path", ["/apply", "/no/such/page"])
def test_more_than_any_form_takes_is_refused_with_a_page_of_ours(console: str, path: str) -> None:
    answer = requests.post(f"{console}{path}", data=b"x" * 2_000_000, timeout=PATIENCE)
    assert answer.status_code == 413
    assert "送出的內容太大" in answer.content.decode()
    assert "What was sent is too large" in answer.text
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_head_that_is_too_long_or_none_at_all_gets_a_page_of_ours(office: Stack, console: str) -> None:
    long = requests.get(f"{console}/apply", headers={"X-Long": "x" * 40_000}, timeout=PATIENCE)
    assert (long.status_code, "送出的內容太大" in long.content.decode()) == (431, True)
    assert "看不懂這個要求" in said(office.profile.port("console"), b"nonsense\r\n\r\n")


def test_what_is_no_request_leaves_nothing_of_itself_in_a_log(office: Stack) -> None:
    port, behind = (office.profile.port(name) for name in ("console", "console-behind"))
    for door in (port, behind):
        assert "400 Bad Request" in said(door, *NO_REQUESTS)
    assert told_of(office, ("hsiao", "HSIAO", "王")) == []
    assert "Invalid request from ip=127.0.0.1: InvalidRequestLine" in office.profile.log("console").read_text()
    for server in ("proxy", "console"):
        lines = office.profile.log(server).read_bytes().decode().splitlines()
        assert [line for line in lines if not line.isprintable()] == []


def test_while_the_console_is_away_a_page_of_ours_says_so(office: Stack, console: str) -> None:
    office.kill("console")
    try:
        answer = requests.post(f"{console}/apply", data={"mailbox": "a@example.org"}, timeout=PATIENCE)
    finally:
        office.start(["console"])
    assert answer.status_code == 502
    assert "系統暫時沒有回應" in answer.content.decode()
    assert "The system does not answer right now" in answer.text
    assert "nginx" not in answer.text.lower() + str(answer.headers).lower()
