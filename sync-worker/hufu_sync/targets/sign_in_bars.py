"""What of an account's settings in Active Directory keeps its owner out, or lets others in without his password.

All of them are one field: "" where there is none, else the codes, an end of the account with its day.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hufu_registry.sync.model import SignInBar
from hufu_sync.targets.ldap_connection import EPOCH, Entry

READ = frozenset({"userAccountControl", "accountExpires", "logonHours", "userWorkstations"})
FLAGS = {
    SignInBar.PASSWORD_NOT_REQUIRED: 0x20,
    SignInBar.REVERSIBLE_PASSWORD: 0x80,
    SignInBar.SMARTCARD_REQUIRED: 0x40000,
    SignInBar.DES_ONLY: 0x200000,
    SignInBar.NO_PREAUTHENTICATION: 0x400000,
}
ALL_FLAGS = sum(FLAGS.values())
# Two spellings of never, and what no calendar has.
LAST = int((datetime.max.replace(tzinfo=UTC) - EPOCH) / timedelta(microseconds=1)) * 10
AT_ALL_HOURS = b"\xff" * 21


def bars_of(entry: Entry) -> str:
    control, ends = entry.number("userAccountControl"), entry.number("accountExpires")
    hours = entry.values.get("logonhours", ())
    found: list[str] = [bar for bar, flag in FLAGS.items() if control & flag]
    if 0 < ends < LAST:
        found.append(f"{SignInBar.EXPIRES}={EPOCH + timedelta(microseconds=ends // 10):%Y-%m-%d}")
    if hours and hours[0] not in {b"", AT_ALL_HOURS}:
        found.append(SignInBar.LOGON_HOURS)
    if entry.text("userWorkstations"):
        found.append(SignInBar.WORKSTATIONS)
    return " ".join(found)


def without_bars(entry: Entry) -> dict[str, str]:
    """What to write so that nothing of it is left."""
    control = entry.number("userAccountControl") & ~ALL_FLAGS
    return {"userAccountControl": str(control), "accountExpires": "0", "logonHours": "", "userWorkstations": ""}
