"""A spreadsheet of the viewer's."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.addresses import Ground
from tests.kit.sync_scenes import exported


def example(ground: Ground) -> Mapping[str, object]:
    return {"export_id": exported(ground.services, ground.viewer)}
