"""docker-compose.yml on a real Docker: built, started, filled, signed in to through the proxy, stopped and started again."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests

from hufu_stack import person
from hufu_stack.demo import DATA
from hufu_stack.demo_people import FIRST
from hufu_stack.layout import PROJECT
from tests.kit.stacks import KEEP

HERE = Path(__file__).parent
SECRETS = PROJECT / "docker" / "secrets"
NAMES = dict(
    line.split("=", 1) for line in (PROJECT / "docker" / "development.env").read_text().splitlines() if "_HOST=" in line
)
CONSOLE = f"https://{NAMES['HUFU_CONSOLE_HOST']}"
SIGN_IN = f"https://{NAMES['HUFU_SIGN_IN_HOST']}"
MAILS = f"https://{NAMES['HUFU_MAIL_HOST']}/api/v1"
PORTS = {80: 18080, 443: 18443}
COMPOSE = [
    *("docker", "compose", "--project-name=hufu-test", "--env-file=docker/development.env"),
    *("--file=docker-compose.yml", f"--file={HERE / 'override.yml'}"),
]
# A machine that builds and starts all of it at once.
LONG = 1800.0
pytestmark = pytest.mark.timeout(2 * LONG)
PASSWORD = "Tally-of-the-tiger-88"
LINK = re.compile(r"https://\S+/login-actions/action-token\S+")
Found = TypeVar("Found")


def compose(*arguments: str) -> str:
    """What it printed. Its logs come with a failure."""
    variables = os.environ | {"HUFU_TEST_HTTP_PORT": str(PORTS[80]), "HUFU_TEST_HTTPS_PORT": str(PORTS[443])}
    done = subprocess.run(
        [*COMPOSE, *arguments], cwd=PROJECT, env=variables, capture_output=True, text=True, timeout=LONG, check=False
    )
    if done.returncode:
        pytest.fail(f"docker compose {' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-8000:]}")
    return done.stdout


def up() -> None:
    compose("up", "--build", "--wait", "--wait-timeout=900", "--quiet-pull")


@pytest.fixture(scope="module")
def running() -> Iterator[None]:
    """From nothing; with HUFU_KEEP_STACK=1 what runs is taken as it is, and left running."""
    if not KEEP:
        compose("down", "--volumes")
    try:
        up()
        yield
    finally:
        (PROJECT / ".compose-test.log").write_text(compose("logs", "--no-color"))
        if not KEEP:
            compose("down", "--volumes")


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The three names lead to the published ports, as lines in /etc/hosts would."""
    ask = socket.getaddrinfo

    def answer(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
        if host in NAMES.values():
            return ask("127.0.0.1", PORTS[int(port)], *arguments, **named)
        return ask(host, port, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def browser() -> requests.Session:
    """It trusts the authority of prepare.sh, and no other."""
    session = person.new_session()
    session.verify = str(SECRETS / "tls-ca.pem")
    return session


def awaited(what: str, look: Callable[[], Found | None]) -> Found:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(1)
    raise AssertionError(f"{what} did not come")


def hufu(*arguments: str, files: Mapping[str, Path] | None = None) -> str:
    """A command as the README says it; a file gets in by a volume."""
    volumes = [f"--volume={path}:{inside}:ro" for inside, path in (files or {}).items()]
    return compose("run", "--rm", "--no-deps", "-T", *volumes, "schema", "hufu", *arguments)


def link_for(mailbox: str) -> str | None:
    with browser() as reader:
        for mail in reader.get(f"{MAILS}/messages", timeout=10).json()["messages"]:
            if mailbox in [one["Address"] for one in mail["To"]]:
                text = reader.get(f"{MAILS}/message/{mail['ID']}", timeout=10).json()["Text"]
                if found := LINK.search(text):
                    return found[0]
    return None


def on_console(secret: str) -> str | None:
    """His page there; None while the registry does not know yet that he is active."""
    with browser() as session:
        page = person.sign_in(session, f"{CONSOLE}/sign-in?next=/me", FIRST.username, PASSWORD, secret)
        return page.text if page.url == f"{CONSOLE}/me" else None


@pytest.fixture(scope="module")
def otp_secret(running: None) -> Callable[[], str]:
    """The first system manager, who has followed his mail; made when somebody asks first."""
    kept: list[str] = []

    def secret() -> str:
        if not kept:
            hufu("agencies", "import", "/tmp/list.csv", files={"/tmp/list.csv": DATA / "GDS_2019.csv"})
            about = {"account-name": FIRST.username, "name": FIRST.name, "mailbox": FIRST.mailbox}
            options = [f"--{name}={value}" for name, value in about.items()]
            hufu("system-manager", "create", *options, f"--agency={FIRST.agency_oid}")
            link = awaited("the activation mail", lambda: link_for(FIRST.mailbox))
            assert link.startswith(SIGN_IN)
            with browser() as session:
                kept.append(person.activate(link, PASSWORD, session=session))
        return kept[0]

    return secret


def test_the_first_system_manager_activates_and_signs_in_through_the_proxy(otp_secret: Callable[[], str]) -> None:
    secret = otp_secret()
    assert FIRST.name in awaited("his own page", lambda: on_console(secret))


@pytest.mark.parametrize(
    "path",
    ["/admin", "/admin/", "/admin/master/console/", "/realms/master", "//admin/", "/%61dmin/", "/admin;x=1/",
     "/admin;x/master/console/", "/realms;x/master/account", "/realms/master;x/account", "/realms/hufu/../master/account"],
)  # fmt: skip
def test_keycloaks_administration_is_not_for_the_outside(running: None, path: str) -> None:
    with browser() as session:
        request = requests.Request("GET", SIGN_IN).prepare()
        request.url = f"{SIGN_IN}{path}"
        answer = session.send(request, allow_redirects=False, timeout=10)
        assert (answer.status_code, "這裡沒有這一頁" in answer.content.decode()) == (404, True)


def test_only_the_names_are_served_and_only_by_tls(running: None) -> None:
    with browser() as session:
        plain = session.get(CONSOLE.replace("https", "http") + "/apply", allow_redirects=False, timeout=10)
        assert (plain.status_code, plain.headers["Location"]) == (301, f"{CONSOLE}/apply")
        answer = session.get(f"{CONSOLE}/apply", headers={"Accept-Encoding": "gzip"}, timeout=10)
        assert answer.status_code == 200
        assert {"Server", "Via", "X-Powered-By", "Content-Encoding"} & set(answer.headers) == set()
        assert answer.headers["Strict-Transport-Security"]
        with pytest.raises(requests.ConnectionError):
            session.get(CONSOLE.replace("https", "http"), headers={"Host": "evil.example"}, timeout=10)


def test_nothing_can_be_installed_in_ours(running: None) -> None:
    found = compose("exec", "-T", "console", "sh", "-c", "command -v pip; python -c 'import pip' 2>&1 || true")
    assert found.strip().endswith("No module named 'pip'")
    assert "/pip" not in found


def test_nobody_of_ours_failed_to_sign_in_and_no_log_names_a_person(otp_secret: Callable[[], str]) -> None:
    otp_secret()
    logs = compose("logs", "--no-color")
    told = (
        'type="',
        "keycloak_client_refused",
        '"level": "error"',
    )  # an event of Keycloak's, what it means for us, anything
    assert [line for line in logs.splitlines() if any(sign in line for sign in told)] == []
    assert [text for text in (FIRST.username, FIRST.name, PASSWORD) if text in logs] == []


def test_data_outlives_the_containers(otp_secret: Callable[[], str]) -> None:
    secret = otp_secret()
    compose("down")
    up()
    assert FIRST.name in awaited("his own page", lambda: on_console(secret))
