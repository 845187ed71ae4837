"""What stands in the addresses of the console: an example of each thing that has one, made by the module of its feature.

A module `examples/<feature>.py` has a function `example(ground)`, which makes one more of each and says what its
addresses call it, by the names of the places in the rules. Who writes one touches no test that walks the addresses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path

from werkzeug.routing import Rule

from hufu_registry.accounts.model import Account
from hufu_registry.bootstrap import SqlServices
from hufu_registry.kernel.ids import AccountId
from hufu_registry.kernel.permissions import Role
from tests.kit.accounts import official
from tests.kit.cases import Desk

FOLDER = Path(__file__).with_name("examples")


def is_walked(rule: Rule, feature: str) -> bool:
    """Whether a walk takes the address: all of ours, or the feature's that `--feature` names."""
    return rule.endpoint != "static" and feature in ("", rule.endpoint.split(".")[0])


def filled(rule: Rule, values: Mapping[str, str]) -> str:
    """The rule's address with these in its places. Raises KeyError where one cannot be filled."""
    return "".join(values[text] if is_place else text for is_place, text in rule._trace if text != "|")


@dataclass
class Ground:
    """What examples are made of: their agency is `desk.team`. Each round has an account of it and a system manager
    more; what is somebody's own is the viewer's.
    """

    desk: Desk
    viewer: AccountId
    accounts: list[Account] = field(default_factory=list)
    managers: list[Account] = field(default_factory=list)

    @property
    def services(self) -> SqlServices:
        return self.desk.services

    @property
    def number(self) -> int:
        """Which round it is."""
        return len(self.accounts)

    def one_of_each(self) -> dict[str, str]:
        """One more of everything; what fills the places of all rules. Two features that name the same place are told."""
        team, number = self.desk.team, self.number
        self.accounts.append(official(self.services, team, f"example{number}"))
        self.managers.append(official(self.services, team, f"manager{number}", role=Role.SYSTEM_MANAGER))
        values: dict[str, str] = {}
        for feature in sorted(path.stem for path in FOLDER.glob("*.py")):
            made: Mapping[str, object] = import_module(f"tests.kit.examples.{feature}").example(self)
            assert not made.keys() & values.keys(), feature
            values |= {name: str(value) for name, value in made.items()}
        return values
