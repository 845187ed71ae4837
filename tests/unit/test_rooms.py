"""The walls of the house hold, and would be missed if they fell."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("registry", "admin-ui", "sync-worker", "keycloak-config", "stack")

PLANTED = {
    "a rule that imports a table": (
        "registry/hufu_registry/accounts/model.py",
        "import hufu_registry.accounts.store",
    ),
    "a feature that looks to its left": (
        "registry/hufu_registry/rights/use_cases.py",
        "import hufu_registry.accounts.use_cases",
    ),
    "a console that looks into the worker": ("admin-ui/hufu_console/settings.py", "import hufu_sync"),
    "a registry that looks into the console": ("registry/hufu_registry/kernel/ids.py", "import hufu_console"),
    "a rule that knows the database": ("registry/hufu_registry/people/model.py", "import sqlalchemy"),
    "a second door to the directory": ("sync-worker/hufu_sync/clock.py", "import ldap3"),
}


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("lint-imports")
    environment = {"PYTHONPATH": ":".join(str(house / room) for room in ROOMS), "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        [command, "--no-cache"], cwd=house, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("house")
    for room in ROOMS:
        shutil.copytree(
            ROOT / room,
            copy / room,
            ignore=shutil.ignore_patterns("static", "templates", "data", "node_modules", "__pycache__", "*.egg-info"),
        )
    shutil.copy(ROOT / ".importlinter", copy)
    return copy


def test_the_house_as_it_stands_keeps_its_walls(house: Path) -> None:
    outcome = lint(house)
    assert outcome.returncode == 0, outcome.stdout


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found(house: Path, fault: str) -> None:
    name, line = PLANTED[fault]
    module = house / name
    before = module.read_text()
    module.write_text(
        before.replace("from __future__ import annotations\n", f"from __future__ import annotations\n{line}\n")
    )
    try:
        assert lint(house).returncode != 0
    finally:
        module.write_text(before)
