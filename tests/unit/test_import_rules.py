"""The walls of the house hold, and would be missed if they fell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("registry", "admin-ui", "sync-worker", "keycloak-config", "stack")

# The contract that each breaks, by its name in .importlinter: whatever else goes wrong is no broken contract.
PLANTED = {
    "rules-know-no-tables": ("registry/hufu_registry/accounts/model.py", "import hufu_registry.accounts.store"),
    "engine-knows-no-type": (
        "registry/hufu_registry/cases/engine/store/queue.py",
        "import hufu_registry.cases.types.activation",
    ),
    "features": ("registry/hufu_registry/rights/use_cases.py", "import hufu_registry.accounts.use_cases"),
    "console-features": ("admin-ui/hufu_console/web/paging.py", "import hufu_console.cases.queries"),
    "processes": ("admin-ui/hufu_console/settings.py", "import hufu_sync"),
    "realm-alone": ("keycloak-config/hufu_realm/model.py", "import hufu_registry.kernel.ids"),
    "rules-know-no-database": ("registry/hufu_registry/people/model.py", "import sqlalchemy"),
    "rules-reach-no-store": ("registry/hufu_registry/people/model.py", "import hufu_registry.kernel.store"),
    "one-door-to-the-directory": ("sync-worker/hufu_sync/relay.py", "import ldap3"),
    "one-door-to-keycloak": ("keycloak-config/hufu_realm/apply.py", "import keycloak"),
    "worker": ("sync-worker/hufu_sync/targets/port.py", "import hufu_sync.lane"),
    "converge": ("sync-worker/hufu_sync/converge/note.py", "import hufu_sync.converge.guard"),
    "scheduler": ("sync-worker/hufu_sync/scheduler/plans.py", "import hufu_sync.scheduler.changes"),
    "targets-know-no-queue": ("sync-worker/hufu_sync/targets/mail.py", "import hufu_registry.notices.store"),
}


def contracts() -> dict[str, str]:
    """What each contract says, by its name."""
    file = ConfigParser()
    file.read(ROOT / ".importlinter", encoding="utf-8")
    prefix = "importlinter:contract:"
    return {name.removeprefix(prefix): file[name]["name"] for name in file.sections() if name.startswith(prefix)}


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


def test_every_contract_is_broken_on_purpose() -> None:
    assert set(PLANTED) == set(contracts())


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_fault_is_found(house: Path, contract: str) -> None:
    name, line = PLANTED[contract]
    module = house / name
    before = module.read_text()
    module.write_text(f"{before}\n{line}\n")
    try:
        # Long names are wrapped.
        said = " ".join(lint(house).stdout.split())
        assert f"{contracts()[contract]} BROKEN" in said
    finally:
        module.write_text(before)


ACTORS_OF_OURS = re.compile(r"(?<!ActorKind\.)\b(?:SYSTEM|OPERATOR)\b")


def acting_by_themselves(registry: Path) -> list[str]:
    """The rules that name an actor, who is an argument of every use case."""
    rules = [path for path in registry.rglob("*.py") if {"use_cases", "types", "use_cases.py"} & set(path.parts)]
    assert rules
    return [path.name for path in rules if ACTORS_OF_OURS.search(path.read_text(encoding="utf-8"))]


def test_no_use_case_says_by_itself_who_acts(tmp_path: Path) -> None:
    assert acting_by_themselves(ROOT / "registry" / "hufu_registry") == []
    (tmp_path / "use_cases.py").write_text("with services.begin(SYSTEM) as work: ...", encoding="utf-8")
    assert acting_by_themselves(tmp_path) == ["use_cases.py"]
