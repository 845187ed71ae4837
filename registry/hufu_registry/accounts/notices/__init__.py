"""The mails about accounts; each has its templates in the folder of its name."""

from __future__ import annotations

from hufu_registry.kernel.feature import NoticeType

# To the managers above.
ACCOUNT_SUSPENDED = NoticeType(
    "account_suspended",
    __name__,
    {"agency": "臺中市 › 臺中市政府", "account_id": "00000000-0000-0000-0000-000000000001"},
)

NOTICES = (ACCOUNT_SUSPENDED,)
