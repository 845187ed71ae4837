"""A filter of the viewer's."""

from __future__ import annotations

from collections.abc import Mapping

from hufu_registry.kernel.actor import account_actor
from hufu_registry.sessions.use_cases import SaveFilter, save_filter
from tests.kit.addresses import Ground


def example(ground: Ground) -> Mapping[str, object]:
    command = SaveFilter("accounts.people", f"第{ground.number}個", {"state": "enabled"}, "王")
    return {"filter_id": save_filter(command, ground.services, account_actor(ground.viewer)).id}
