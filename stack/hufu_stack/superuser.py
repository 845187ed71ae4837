"""The one thing that needs root, a domain controller's ports and files, is asked of sudo by others."""

import os
import shutil
import signal
import subprocess
from functools import cache


@cache
def prefix() -> tuple[str, ...] | None:
    """Return what makes a command run as root: nothing for root, sudo where it asks nothing; else None."""
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return (sudo, "-n")
    return None


def as_root(*command: str) -> list[str]:
    """Return the command as root runs it. Raises PermissionError where nobody can."""
    sudo = prefix()
    if sudo is None:
        raise PermissionError("this needs root, or sudo without a password")
    return [*sudo, *command]


def send(pid: int, number: signal.Signals) -> None:
    """Signal a process of ours, also one that runs as root; one that is gone is fine."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        # The shell's own kill: the program is not on every machine.
        command = as_root("sh", "-c", f"kill -{number.value} {pid}")
        subprocess.run(command, capture_output=True, check=False)
