"""People, and the proof that a mailbox (備用信箱) is theirs."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from hufu_registry.kernel.policy import Policy, setting

MAILBOX_SHAPE = re.compile(r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+\Z")
MAILBOX_LENGTH = 254
NAME_LENGTH = 200
CODE_DIGITS = 6


@dataclass(frozen=True)
class PeoplePolicy(Policy):
    code_lifetime: timedelta = setting(timedelta(minutes=10), minimum=timedelta(minutes=1), maximum=timedelta(hours=1))
    code_tries: int = setting(5, minimum=1, maximum=20)
    code_resend_after: timedelta = setting(
        timedelta(seconds=60), minimum=timedelta(seconds=10), maximum=timedelta(hours=1)
    )
    codes_per_mailbox_per_day: int = setting(10, minimum=1, maximum=100)
    tries_per_mailbox_per_day: int = setting(20, minimum=1, maximum=200)
    mailbox_proof_lifetime: timedelta = setting(
        timedelta(hours=2), minimum=timedelta(minutes=10), maximum=timedelta(days=1)
    )


class Purpose(StrEnum):
    """What a verified mailbox may be used for; a proof for one purpose is none for another."""

    APPLY = "apply"
    FOLLOW = "follow"
    RESEND = "resend"


class CodeOutcome(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED_UP = "used_up"


@dataclass(frozen=True, slots=True)
class MailboxCode:
    """A code that was mailed. Only its keyed hash is kept, bound to the browser and the purpose."""

    id: UUID
    browser_key: str
    purpose: Purpose
    mailbox_key: str
    mailbox_sealed: str
    code_key: str
    sent_at: datetime
    expires_at: datetime
    tries: int = 0
    used_at: datetime | None = None

    def entered(self, code_key: str, *, now: datetime, policy: PeoplePolicy) -> tuple[MailboxCode, CodeOutcome]:
        """The code after one try, and what came of it."""
        if self.used_at is not None or now >= self.expires_at:
            return self, CodeOutcome.EXPIRED
        if self.tries >= policy.code_tries:
            return self, CodeOutcome.USED_UP
        tried = replace(self, tries=self.tries + 1)
        if code_key != self.code_key:
            return tried, CodeOutcome.USED_UP if tried.tries >= policy.code_tries else CodeOutcome.WRONG
        return replace(tried, used_at=now), CodeOutcome.RIGHT


@dataclass(frozen=True, slots=True)
class CodeSent:
    """How long until another code may be asked for, and how long this one is good."""

    resend_after: timedelta
    lifetime: timedelta


def plain(text: str) -> str:
    """Digits, letters and signs as they are compared: what a Chinese keyboard makes wide becomes narrow."""
    return unicodedata.normalize("NFKC", text).strip()


def clean_mailbox(text: str) -> str | None:
    """The mailbox in the form in which it is kept and compared, or None where it is none."""
    mailbox = plain(text)
    if len(mailbox) > MAILBOX_LENGTH or not MAILBOX_SHAPE.match(mailbox):
        return None
    return mailbox.lower()


def clean_name(text: str) -> str:
    """姓名 as one field: any Unicode in NFC, no control characters, inner blanks single."""
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if char.isspace() else char for char in composed if unicodedata.category(char) != "Cc" or char.isspace()
    )
    return " ".join(visible.split())


def masked_mailbox(mailbox: str) -> str:
    """Enough to recognise one's own mailbox: "w•••@example.gov.tw"."""
    local, _, domain = mailbox.partition("@")
    return f"{local[:1]}•••@{domain}"
