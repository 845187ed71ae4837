"""A filter of the viewer's."""

from __future__ import annotations

from collections.abc import Mapping

from hufu_registry.kernel.actor import account_actor
from hufu_registry.sessions.model import FILTERS_OF_LIST
from hufu_registry.sessions.use_cases import SaveFilter, save_filter
from tests.kit.addresses import Ground


def example(ground: Ground) -> Mapping[str, object]:
    name = f"第{min(ground.number, FILTERS_OF_LIST)}個"
    command = SaveFilter("accounts.people", name, {"state": "enabled"}, "王")
    return {"filter_id": save_filter(command, ground.services, account_actor(ground.viewer)).id}
