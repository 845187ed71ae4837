"""A held change."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.addresses import Ground
from tests.kit.sync_scenes import held


def example(ground: Ground) -> Mapping[str, object]:
    return {"held_id": held(ground.services, ground.managers[-1].id, ground.accounts[-1:], most=0)}
