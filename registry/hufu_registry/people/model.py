"""People, and the proof that a mailbox (備用信箱) is theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from hufu_registry.bell.model import BellPolicy
from hufu_registry.kernel.policy import setting
from hufu_registry.kernel.texts import PASTED, Text, code, narrow, shaped

# No laxer than Keycloak and mail servers are: atoms between single dots, and a domain that there can be.
ATOM, LABEL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+", r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
MAILBOX_SHAPE = re.compile(rf"^(?=.{{1,64}}@){ATOM}(?:\.{ATOM})*@(?:{LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?\Z")
MAILBOX = Text(254, lambda text: narrow(text).lower(), missing="required", rule=shaped(MAILBOX_SHAPE, "mailbox_shape"))
CODE_DIGITS = 6
CODE = Text(PASTED, code, missing="code_shape", rule=shaped(re.compile(rf"[0-9]{{{CODE_DIGITS}}}\Z"), "code_shape"))


def hinted(mailbox: str) -> str:
    """Enough of it for its owner to know it by: in records, and where somebody else may read it."""
    return f"{mailbox[:1]}…{mailbox[mailbox.rfind('@') :]}"


@dataclass(frozen=True)
class PeoplePolicy(BellPolicy):
    code_lifetime: timedelta = setting(timedelta(minutes=10), minimum=timedelta(minutes=1), maximum=timedelta(hours=1))
    code_tries: int = setting(5, minimum=1, maximum=20)
    code_resend_after: timedelta = setting(
        timedelta(seconds=60), minimum=timedelta(seconds=10), maximum=timedelta(hours=1)
    )
    # A browser is stopped by what it does itself; all together are stopped later, so that nobody locks another's
    # mailbox by trying.
    codes_per_browser_per_day: int = setting(10, minimum=1, maximum=100)
    codes_per_mailbox_per_day: int = setting(30, minimum=1, maximum=300, at_least="codes_per_browser_per_day")
    tries_per_browser_per_day: int = setting(20, minimum=1, maximum=200)
    tries_per_mailbox_per_day: int = setting(60, minimum=1, maximum=600, at_least="tries_per_browser_per_day")
    # Mailboxes that one network asked codes for and never entered one: an office proves its own.
    unproved_mailboxes_per_network_per_hour: int = setting(100, minimum=5, maximum=10_000)
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
    network: str | None = None

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
class CodeCount:
    """The codes that a browser had sent to a mailbox lately, and its tries to enter them."""

    browser_key: str
    sent: int
    tries: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CodeSent:
    """How long until another code may be asked for, and how long this one is good."""

    resend_after: timedelta
    lifetime: timedelta
