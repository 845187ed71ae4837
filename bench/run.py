"""Runs the benchmarks, all of them or those named, and writes docs/performance.md anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SHARED = {
    "chapter",
    "chapters",
    "sync_chapters",
    "document",
    "fill_directory",
    "harness",
    "kept_directory",
    "made_up_accounts",
    "made_up_agencies",
    "queue_watch",
    "raw_ldap",
    "run",
}


def main(names: list[str]) -> int:
    """0 when every benchmark ran and met its aims."""
    there = sorted(path.stem for path in HERE.glob("*.py") if path.stem not in SHARED)
    if unknown := [name for name in names if name not in there]:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(there)}", file=sys.stderr)
        return 2
    failed = []
    for name in names or there:
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=HERE.parent, check=False).returncode != 0:
            failed.append(name)
    subprocess.run([sys.executable, "-m", "bench.document"], cwd=HERE.parent, check=True)
    if failed:
        print(f"failed or not met: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
