"""The mails about accounts; each has its templates in the folder of its name."""

from __future__ import annotations

from hufu_registry.kernel.feature import Bell, NoticeType

# To the managers above.
ACCOUNT_SUSPENDED = NoticeType(
    "account_suspended",
    __name__,
    {"agency": "臺中市 › 臺中市政府", "account_id": "00000000-0000-0000-0000-000000000001"},
    bell=Bell("account", object_id="account_id", mark="agency"),
)

# To the account's own person, beside the link that the sign-in server mails.
PERSON = {"name": "王小明", "account_name": "wangxm"}
OTP_RESET = NoticeType("otp_reset", __name__, PERSON, bell=Bell("my_account"))
OTP_MISSING = NoticeType("otp_missing", __name__, PERSON, bell=Bell("my_account"))

# To the mailbox that was corrected, and to the one before.
MAILBOX_CORRECTED = NoticeType(
    "mailbox_corrected", __name__, PERSON | {"mailbox": "w…@example.org"}, bell=Bell("my_account")
)

NOTICES = (ACCOUNT_SUSPENDED, OTP_RESET, OTP_MISSING, MAILBOX_CORRECTED)
