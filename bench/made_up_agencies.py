"""A list of made-up schools and their rooms, the same every time."""

from __future__ import annotations

import csv
import io
import random

PLACES = [
    "中正",
    "信義",
    "和平",
    "仁愛",
    "大同",
    "光復",
    "民生",
    "中山",
    "建國",
    "復興",
    "文化",
    "自強",
    "成功",
    "新興",
]
KINDS = ["國民小學", "國民中學", "高級中學", "幼兒園", "圖書館", "衛生所", "戶政事務所", "地政事務所"]
ROOMS = ["人事室", "秘書室", "總務處", "教務處", "學務處", "會計室", "政風室", "資訊室"]
COLUMNS = ("OrgName", "OID", "TEL", "Address", "DN", "OrgCode")


def made_up_list(size: int) -> bytes:
    """A list of at least `size` rows under 2.16.886.111, in the new columns."""
    chance = random.Random(20261121)
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    rows = school = 0
    while rows < size:
        school += 1
        county, town = 90001 + school % 25, 90001 + school // 25 % 12
        name = chance.choice(PLACES) + chance.choice(PLACES) + chance.choice(KINDS)
        oid = f"2.16.886.111.{county}.{town}.{100_000 + school}"
        dn = f"o={name},l=虛構鎮{town},l=虛構縣{county},c=TW"
        lines.writerow((f"虛構縣{county}{name}", oid, "02-00000000", f"虛構路{school}號", dn, ""))
        for number, room in enumerate(chance.sample(ROOMS, 4), 100_001):
            lines.writerow((room, f"{oid}.{number}", "", "", f"ou={room},{dn}", ""))
        rows += 5
    return text.getvalue().encode()
