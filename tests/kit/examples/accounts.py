"""An account."""

from __future__ import annotations

from collections.abc import Mapping

from hufu_registry.kernel.actor import OPERATOR
from hufu_registry.rights.use_cases import appoint_manager
from tests.kit.addresses import Ground


def example(ground: Ground) -> Mapping[str, object]:
    """The one of this round; and one more manages its agency."""
    appoint_manager(ground.managers[-1].id, ground.desk.team.id, ground.services, OPERATOR)
    return {"account_id": ground.accounts[-1].id, "manager_id": ground.managers[-1].id}
