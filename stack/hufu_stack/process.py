"""One process tree: started apart from us, found again by its pid file, never mistaken for a stranger."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hufu_stack.superuser import send

LAUNCH_TIMEOUT = 10.0
LONGEST_LOG = 20_000_000
# The shell writes its own pid, which exec keeps: so the file is there before the program runs.
_LAUNCHER = 'echo "$$" > "$1" && shift && exec "$@"'


@dataclass(frozen=True, slots=True)
class Stat:
    """What /proc says of a process; `started` is in clock ticks since boot."""

    pid: int
    parent: int
    session: int
    state: str
    started: int


def read_stat(pid: int) -> Stat | None:
    """Return None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name in parentheses may itself hold spaces and parentheses.
    fields = text[text.rindex(")") + 2 :].split()
    return Stat(pid, int(fields[1]), int(fields[3]), fields[0], int(fields[19]))


def all_processes() -> list[Stat]:
    processes = (read_stat(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [stat for stat in processes if stat is not None]


def tree_of(leader: int, processes: Sequence[Stat]) -> list[Stat]:
    """Return the session of the leader and all descendants (PostgreSQL's children have own sessions)."""
    members = {stat.pid for stat in processes if leader in {stat.session, stat.pid}}
    grown = True
    while grown:
        more = {stat.pid for stat in processes if stat.parent in members} - members
        members |= more
        grown = bool(more)
    return [stat for stat in processes if stat.pid in members and stat.state != "Z"]


def boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """A server's processes, known by `run/<name>.json`: pid, its start time and the boot it belongs to."""

    name: str
    folder: Path
    log: Path

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    @property
    def _record(self) -> Path:
        return self.folder / f"{self.name}.json"

    def launch(self, command: Sequence[str], *, environment: Mapping[str, str], directory: Path) -> int:
        """Start in a session of its own, parted from us, its output appended to the log."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LONGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._pid_file.unlink(missing_ok=True)
        with self.log.open("ab") as output:
            subprocess.run(
                ["setsid", "--fork", "sh", "-c", _LAUNCHER, "sh", str(self._pid_file), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=directory,
                env=dict(environment),
                check=True,
            )
        pid = self._await_pid()
        stat = read_stat(pid)
        record = {
            "pid": pid,
            "started": stat.started if stat else None,
            "boot": boot_id(),
            "command": command[0],
        }
        self._record.write_text(json.dumps(record))
        return pid

    def _await_pid(self) -> int:
        deadline = time.monotonic() + LAUNCH_TIMEOUT
        while time.monotonic() < deadline:
            if self._pid_file.exists() and (text := self._pid_file.read_text()).endswith("\n"):
                return int(text)
            time.sleep(0.01)
        raise TimeoutError(f"{self.name} did not start; see {self.log}")

    def pid(self) -> int | None:
        """Return the leader's pid if it is alive and truly the process we started."""
        record = self._recorded()
        if record is None:
            return None
        stat = read_stat(record["pid"])
        ours = stat is not None and stat.started == record["started"] and stat.state != "Z"
        return record["pid"] if ours else None

    def _recorded(self) -> dict[str, int] | None:
        try:
            record = json.loads(self._record.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        if record.get("boot") != boot_id() or record.get("started") is None:
            return None
        return {"pid": int(record["pid"]), "started": int(record["started"])}

    def members(self) -> list[Stat]:
        """Return every living process of the tree, also when its leader is gone."""
        record = self._recorded()
        if record is None:
            return []
        leader = read_stat(record["pid"])
        if leader is not None and leader.started != record["started"]:
            return []  # the number went to a stranger, so nothing of ours is left
        return tree_of(record["pid"], all_processes())

    def frozen(self) -> bool:
        pid = self.pid()
        stat = read_stat(pid) if pid is not None else None
        return stat is not None and stat.state == "T"

    def signal_leader(self, number: signal.Signals) -> None:
        pid = self.pid()
        if pid is not None:
            send(pid, number)

    def signal_all(self, number: signal.Signals) -> None:
        for stat in self.members():
            send(stat.pid, number)

    def freeze(self) -> None:
        """Stop all of it where it stands, children born meanwhile too, and return once it stands still."""
        deadline = time.monotonic() + LAUNCH_TIMEOUT
        while any(stat.state != "T" for stat in self.members()) and time.monotonic() < deadline:
            self.signal_all(signal.SIGSTOP)
            time.sleep(0.01)

    def thaw(self) -> None:
        """Let all of it go on; again and again, for sudo stops once more when it learns of the stop."""
        deadline = time.monotonic() + LAUNCH_TIMEOUT
        while any(stat.state == "T" for stat in self.members()) and time.monotonic() < deadline:
            self.signal_all(signal.SIGCONT)
            time.sleep(0.02)

    def stop(self, number: signal.Signals, *, whole_tree: bool, patience: float) -> None:
        """Ask, wait, and end by force what is still there."""
        self.thaw()
        if whole_tree:
            self.signal_all(number)
        else:
            self.signal_leader(number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.pid() is None:
                break
            time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """End all of it at once, as a power cut would."""
        self.signal_all(signal.SIGKILL)
        deadline = time.monotonic() + LAUNCH_TIMEOUT
        while self.members() and time.monotonic() < deadline:
            time.sleep(0.02)
            self.signal_all(signal.SIGKILL)
        if self.members():
            raise TimeoutError(f"{self.name} cannot be ended")
        self._pid_file.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    def last_lines(self, count: int = 15) -> list[str]:
        try:
            with self.log.open("rb") as file:
                file.seek(0, os.SEEK_END)
                file.seek(max(0, file.tell() - 20_000))
                return file.read().decode(errors="replace").splitlines()[-count:]
        except FileNotFoundError:
            return []
