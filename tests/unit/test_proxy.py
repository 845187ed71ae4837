"""The proxy's settings: what nginx would take and is wrong all the same."""

import re

from hufu_stack.proxy import SETTINGS


def number(setting: str) -> int:
    found = re.search(rf"^\s*{setting} (\d+);", (SETTINGS / "nginx.conf").read_text(), re.MULTILINE)
    assert found
    return int(found[1])


def test_a_worker_may_open_more_files_than_it_has_connections() -> None:
    """Sockets that listen, logs and temporary files are files, too."""
    assert number("worker_rlimit_nofile") >= number("worker_connections") + 1000


def test_nobody_comes_in_but_by_a_door_that_counts_him() -> None:
    """Decision 0050: what serves pages listens on sockets behind the doors, for the health check, too."""
    behind = {name: (SETTINGS / name).read_text() for name in ("sites.conf", "mail.conf")}
    listening = [(name, where) for name, text in behind.items() for where in re.findall(r"\blisten (.*);", text)]
    assert listening
    assert [(name, where) for name, where in listening if not re.match(r"unix:\S+ .*\bproxy_protocol\b", where)] == []
