"""The mails about cases; each has its templates in the folder of its name."""

from __future__ import annotations

from hufu_registry.kernel.feature import Bell, NoticeType

CASE = {"number": "115000123", "agency": "臺中市 › 臺中市政府"}
# For the account that came of it.
OWN = Bell("my_account", mark="number")
APPLICATION = {**CASE, "name": "王小明", "account_name": "wangxm01"}

CASE_RECEIVED = NoticeType("case_received", __name__, APPLICATION)
CASE_APPROVED = NoticeType("case_approved", __name__, APPLICATION, bell=OWN)
CASE_REJECTED = NoticeType("case_rejected", __name__, {**APPLICATION, "reason": "電話號碼有誤\n請洽人事室"})
CASE_WITHDRAWN = NoticeType("case_withdrawn", __name__, APPLICATION)
NAME_COLLISION = NoticeType("name_collision", __name__, APPLICATION)
# To the managers who may decide.
CASE_WAITING = NoticeType(
    "case_waiting",
    __name__,
    {**CASE, "case_id": "00000000-0000-0000-0000-000000000001"},
    bell=Bell("case", object_id="case_id", mark="number"),
)

NOTICES = (CASE_RECEIVED, CASE_APPROVED, CASE_REJECTED, CASE_WITHDRAWN, NAME_COLLISION, CASE_WAITING)
