"""The mails about people's mailboxes; each has its templates in the folder of its name."""

from __future__ import annotations

from hufu_registry.kernel.feature import NoticeType

MAILBOX_CODE = NoticeType("mailbox_code", __name__, {"code": "012345", "minutes": "10"})

NOTICES = (MAILBOX_CODE,)
