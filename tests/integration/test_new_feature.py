"""A new feature in an hour: laid out in a copy of the project, it passes every check, and only its line is elsewhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hufu_registry.settings import SETTINGS
from hufu_stack.layout import PROFILES, PROJECT
from tests.kit.databases import Databases

ROOMS = ("registry", "admin-ui", "sync-worker", "keycloak-config", "stack")
FEATURE, WORD = "visits", "參訪"
# What else is touched, lines added and taken: a line in each composition with its import, and the order of the features
# as the architecture tells it (in a chain and in the diagram). The catalog is what `make catalog` writes.
TOUCHED = {
    "registry/hufu_registry/features.py": (2, 0),
    "admin-ui/hufu_console/urls.py": (2, 0),
    "docs/architecture.md": (4, 4),
}
CATALOG = "admin-ui/hufu_console/translations/zh_Hant_TW/LC_MESSAGES/messages.po"
OWN = (
    "registry/hufu_registry/visits/",
    "admin-ui/hufu_console/visits/",
    "admin-ui/hufu_console/templates/visits/",
    "tests/integration/test_visits.py",
    "tests/kit/examples/visits.py",
    "tests/unit/test_visits.py",
)
# All of `make check` but the installing, after what `make catalog` does anew.
CHECKS = re.findall(r"^check: setup (.*) ##", (PROJECT / "Makefile").read_text(), re.MULTILINE)[0].split()
# Its own, and the walks of its addresses.
STANDS = (
    f"--feature={FEATURE}",
    "tests/integration/test_visits.py",
    "tests/integration/test_console_routes.py::test_every_address_answers_as_it_is_declared",
    "tests/integration/test_console_routes.py::test_what_is_no_id_of_ours_is_not_found_by_any_route",
    "tests/integration/test_console_reads.py::test_a_get_reads_in_one_transaction_that_cannot_write",
    "tests/integration/test_console_reads.py::test_twenty_rows_take_as_many_statements_as_one",
)
MIGRATE = (
    "import sys; from hufu_registry.settings import RegistrySettings;"
    "from hufu_stack.migration import write_migration_from;"
    "write_migration_from(RegistrySettings.model_validate_json(sys.stdin.read()), 'visits')"
)


class Copy:
    """The project as it stands, with the house's own virtual environment, tools and PostgreSQL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in self.git("ls-files", "-z", "--cached", "--others", "--exclude-standard", at=PROJECT).split("\0"):
            if name and (PROJECT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(PROJECT / name, folder / name)
        (folder / ".venv").symlink_to(sys.prefix)
        for shared in ("node_modules", PROFILES["test-registry"].folder.name):
            (folder / shared).symlink_to(PROJECT / shared)
        # What mypy knows of all other modules.
        shutil.copytree(PROJECT / ".mypy_cache", folder / ".mypy_cache", dirs_exist_ok=True)
        self.git("init", "--quiet")
        self.keep("as it was")

    def git(self, *arguments: str, at: Path | None = None) -> str:
        done = subprocess.run(["git", *arguments], cwd=at or self.folder, capture_output=True, check=True)
        return done.stdout.decode()

    def keep(self, message: str) -> None:
        self.git("add", "--all")
        self.git("-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "--quiet", "-m", message)

    def fault(self, *command: str, given: str = "") -> str:
        """What the command says where it fails, in the copy with the copy's own code."""
        environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ} | {
            "PYTHONPATH": ":".join(str(self.folder / room) for room in ROOMS),
            "HUFU_STACK_SLOT": os.environ.get("HUFU_STACK_SLOT", "0"),
            "HUFU_KEEP_STACK": "1",
        }
        done = subprocess.run(
            command, cwd=self.folder, env=environment, input=given, capture_output=True, text=True, check=False
        )
        return "" if done.returncode == 0 else f"{' '.join(command)}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"

    def changed(self) -> dict[str, tuple[int, int]]:
        """Lines added and taken in each file since the copy was made."""
        self.git("add", "--all")
        lines = self.git("diff", "--cached", "--numstat").splitlines()
        return {name: (int(added), int(taken)) for added, taken, name in (line.split("\t") for line in lines)}


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    (PROJECT / ".mypy_cache").mkdir(exist_ok=True)
    return Copy(tmp_path)


def test_a_new_feature_passes_all_checks_and_costs_a_line_elsewhere(copy: Copy, databases: Databases) -> None:
    assert copy.fault("make", "feature", f"NAME={FEATURE}", f"WORD={WORD}") == ""

    def migrated_and_walked() -> Sequence[str]:
        with databases.lent() as empty:
            # Defaults of settings are read from text as people write it, not from JSON.
            fault = copy.fault(sys.executable, "-c", MIGRATE, given=empty.model_dump_json(exclude=set(SETTINGS)))
        return [fault or copy.fault(sys.executable, "-m", "pytest", "-q", "--show-capture=no", *STANDS)]

    def checked() -> Sequence[str]:
        return [copy.fault("make", target) for target in ("catalog", *CHECKS)]

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(migrated_and_walked), pool.submit(checked)]
    if faults := [fault for job in jobs for fault in job.result() if fault]:
        pytest.fail("\n".join(faults), pytrace=False)

    changed = copy.changed()
    (migration,) = (name for name in changed if "/migrations/versions/" in name)
    assert "op.create_table" in (copy.folder / migration).read_text()
    elsewhere = {name: lines for name, lines in changed.items() if not name.startswith(OWN) and name != migration}
    _, lost = elsewhere.pop(CATALOG)
    assert lost == 0
    assert elsewhere == TOUCHED
