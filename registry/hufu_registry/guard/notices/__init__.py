"""The mails about held changes; each has its templates in the folder of its name."""

from __future__ import annotations

from hufu_registry.kernel.feature import Bell, NoticeType

# To those who may release it.
CHANGE_HELD = NoticeType(
    "change_held",
    __name__,
    {"count": "120", "held_id": "00000000-0000-0000-0000-000000000001"},
    bell=Bell("held_change", object_id="held_id"),
)

NOTICES = (CHANGE_HELD,)
