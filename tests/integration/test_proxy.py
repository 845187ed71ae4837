"""What the proxy keeps from the console: slow browsers, large bodies, and what strangers say of themselves."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import pytest
import requests
from requests.adapters import HTTPAdapter

from hufu_stack.layout import Profile
from hufu_stack.stack import Stack
from tests.kit.stacks import console_alone

FIFTY = 50
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
def held(profile: Profile, sent: str) -> Iterator[Sequence[socket.socket]]:
    """Fifty connections that have sent this and go no further; none of them reads."""
    with ExitStack() as opened:
        connections = []
        for _ in range(FIFTY):
            connection = opened.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", profile.port("console")))
            connection.sendall(sent.encode())
            connections.append(connection)
        yield connections


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


def test_fifty_slow_heads_bodies_and_readers_stop_nobody_and_are_let_go(office: Stack, console: str) -> None:
    with ExitStack() as opened:
        kinds = [opened.enter_context(held(office.profile, sent)) for sent in (HEAD, BODY, READER)]
        for _ in range(20):
            # Each by a connection of its own, as somebody new would.
            assert requests.get(f"{console}/apply", timeout=PATIENCE).status_code == 200
        deadline = time.monotonic() + UNTIL_LET_GO
        while any(ended(kind) < FIFTY for kind in kinds) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert [ended(kind) for kind in kinds] == [FIFTY] * 3
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
    with socket.create_connection(("127.0.0.1", office.profile.port("console")), timeout=PATIENCE) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        with connection.makefile("rb") as answer:
            told = answer.read().decode()
    assert "看不懂這個要求" in told


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
