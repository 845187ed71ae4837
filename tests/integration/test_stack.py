"""The stack does to servers what the fault tests ask of it, and tells the truth about them."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from hufu_stack.postgres import connect
from hufu_stack.process import read_stat
from hufu_stack.stack import Stack

COMMAND = [str(Path(sys.executable).parent / "hufu-stack"), "--profile", "test"]
SERVERS = ["postgres", "redis", "directory", "mail", "proxy"]


def state_of(stack: Stack, name: str) -> str:
    return stack.status([name])[0].state


@pytest.mark.parametrize("name", SERVERS)
def test_a_killed_server_is_down_until_it_is_started(stack: Stack, name: str) -> None:
    before = stack.server(name).process.pid()
    stack.kill(name)
    try:
        assert state_of(stack, name) == "down"
        assert stack.server(name).process.members() == []
    finally:
        stack.start([name])
    assert state_of(stack, name) == "up"
    assert stack.server(name).process.pid() != before


@pytest.mark.parametrize("name", [*SERVERS, "keycloak", "console", "worker", "relay", "scheduler"])
def test_a_frozen_server_answers_nothing_and_goes_on_when_thawed(stack: Stack, name: str) -> None:
    before = stack.server(name).process.pid()
    stack.freeze(name)
    try:
        assert state_of(stack, name) == "frozen"
        assert not stack.server(name).healthy()
    finally:
        stack.thaw(name)
    stack.server(name).wait_until_healthy()
    assert stack.server(name).process.pid() == before


def test_a_frozen_server_can_be_stopped(stack: Stack) -> None:
    stack.freeze("mail")
    stack.stop(["mail"])
    assert state_of(stack, "mail") == "down"
    stack.start(["mail"])


def test_status_exits_with_1_when_a_server_is_down(stack: Stack) -> None:
    stack.stop(["mail"])
    down = subprocess.run([*COMMAND, "status", "mail"], capture_output=True, text=True, check=False)
    stack.start(["mail"])
    up = subprocess.run([*COMMAND, "status", "mail"], capture_output=True, text=True, check=False)
    assert (down.returncode, down.stdout.split()[:2]) == (1, ["mail", "down"])
    assert (up.returncode, up.stdout.split()[:2]) == (0, ["mail", "up"])


def test_a_started_server_is_left_alone(stack: Stack) -> None:
    before = stack.server("redis").process.pid()
    stack.start(["redis"])
    assert stack.server("redis").process.pid() == before


def test_data_outlives_a_restart_of_the_server(stack: Stack) -> None:
    profile = stack.profile
    with connect(profile, "hufu", role="hufu", secret="hufu-database-password") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS stack_test (word text)")
        connection.execute("INSERT INTO stack_test VALUES ('kept')")
    try:
        stack.kill("postgres")
        stack.start(["postgres"])
        with connect(profile, "hufu", role="hufu", secret="hufu-database-password") as connection:
            assert connection.execute("SELECT word FROM stack_test").fetchall() == [("kept",)]
    finally:
        with connect(profile, "hufu", role="hufu", secret="hufu-database-password") as connection:
            connection.execute("DROP TABLE stack_test")


def test_a_stranger_with_an_old_pid_is_not_touched(stack: Stack, tmp_path: Path) -> None:
    """A pid file left from before a reboot, whose number someone else has now."""
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            process = stack.server("sample").process
            stack.stop(["sample"])
            stat = read_stat(stranger.pid)
            assert stat is not None
            record = {"pid": stranger.pid, "started": stat.started - 1, "boot": "another", "command": "x"}
            (process.folder / "sample.json").write_text(str(record).replace("'", '"'))
            stack.kill("sample")
            time.sleep(0.1)
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stack.start(["sample"])


def test_a_busy_port_is_named(stack: Stack) -> None:
    stack.stop(["mail"])
    blocker = f"import socket,time; s=socket.create_server(('127.0.0.1', {stack.profile.port('mail')})); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", blocker]) as process:
        try:
            time.sleep(1)
            failed = subprocess.run([*COMMAND, "start", "mail"], capture_output=True, text=True, check=False)
        finally:
            process.kill()
    stack.start(["mail"])
    assert failed.returncode == 1
    assert f"port {stack.profile.port('mail')} on 127.0.0.1 is taken" in failed.stderr
    assert "mail.log" in failed.stderr


def test_everything_listens_on_loopback_only(stack: Stack) -> None:
    listening = [
        connection.laddr.ip.removeprefix("::ffff:")
        for name in stack.names
        for member in stack.server(name).process.members()
        for connection in psutil.Process(member.pid).net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 10
    assert [address for address in listening if not (address.startswith("127.") or address == "::1")] == []


def test_endpoints_lead_somewhere(stack: Stack) -> None:
    found = stack.endpoints
    for url in (
        f"{found['issuer']}/.well-known/openid-configuration",
        found["mail"]["http"],
        found["mail"]["messages"],
        found["sample_application"],
        found["console"],
        found["apply"],
    ):
        assert requests.get(url, timeout=10).status_code == 200, url
    discovery = requests.get(f"{found['issuer']}/.well-known/openid-configuration", timeout=10).json()
    assert discovery["issuer"] == found["issuer"]
