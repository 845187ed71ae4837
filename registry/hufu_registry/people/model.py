"""People, and the proof that a mailbox (備用信箱) is theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from hufu_registry.kernel.policy import Policy, setting
from hufu_registry.kernel.texts import PASTED, Text, code, narrow, shaped

# No laxer than Keycloak and mail servers are: atoms between single dots, and a domain that there can be.
ATOM, LABEL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
MAILBOX_SHAPE = re.compile(rf"^(?=.{{1,64}}@){ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?\Z")
MAILBOX = Text(254, lambda text: narrow(text).lower(), missing="required", rule=shaped(MAILBOX_SHAPE, "mailbox_shape"))
CODE = Text(PASTED, code)
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
    OFFICIAL_MAIL = "official_mail"


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


def masked_mailbox(mailbox: str) -> str:
    """Enough to recognise one's own mailbox: "w•••@example.gov.tw"."""
    local, _, domain = mailbox.partition("@")
    return f"{local[:1]}•••@{domain}"
