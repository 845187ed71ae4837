"""An agency, with one unit more."""

from __future__ import annotations

from collections.abc import Mapping

from hufu_registry.agencies.use_cases import AddUnit, add_unit
from hufu_registry.kernel.actor import OPERATOR
from tests.kit.addresses import Ground


def example(ground: Ground) -> Mapping[str, object]:
    add_unit(AddUnit(ground.desk.team.id, f"第{ground.number}科", ""), ground.services, OPERATOR)
    return {"agency_id": ground.desk.team.id}
