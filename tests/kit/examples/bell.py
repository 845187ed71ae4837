"""What somebody was told."""

from __future__ import annotations

from collections.abc import Mapping

from hufu_registry.accounts.notices import OTP_RESET
from hufu_registry.kernel.actor import SYSTEM
from tests.kit.addresses import Ground


def example(ground: Ground) -> Mapping[str, object]:
    with ground.services.begin(SYSTEM) as work:
        values = {"name": "王小明", "account_name": "wangxm"}
        told = work.notices.send(OTP_RESET, "x@example.org", "zh_Hant_TW", values, account_id=ground.viewer)
    return {"entry_id": told}
