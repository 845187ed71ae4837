"""A case."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.addresses import Ground


def example(ground: Ground) -> Mapping[str, object]:
    return {"case_id": ground.desk.apply_at(ground.desk.team, mobile=f"0933{ground.number:06}")}
