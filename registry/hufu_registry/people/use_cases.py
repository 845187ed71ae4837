"""Proving a mailbox: a code by mail, entered in the same browser for the same purpose."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Protocol

import hufu_registry.audit.use_cases as audit
import hufu_registry.notices.use_cases as notices
from hufu_registry.kernel.actor import Actor, ActorKind, network_of
from hufu_registry.kernel.errors import Invalid, NotFound, RateLimited
from hufu_registry.kernel.ids import PersonId
from hufu_registry.kernel.work import Services
from hufu_registry.people.model import (
    CODE,
    CODE_DIGITS,
    MAILBOX,
    CodeCount,
    CodeOutcome,
    CodeSent,
    MailboxCode,
    PeoplePolicy,
    Purpose,
)
from hufu_registry.people.notices import MAILBOX_CODE

A_DAY = timedelta(days=1)
AN_HOUR = timedelta(hours=1)


class Mailboxes(Protocol):
    def lock_mailbox(self, mailbox_key: str) -> None:
        """One transaction a mailbox at a time, so that counts hold."""

    def codes_since(self, mailbox_key: str, since: datetime) -> Sequence[CodeCount]:
        """What each browser had sent there since, and tried."""

    def unproved_since(self, network: str, since: datetime, most: int) -> tuple[int, datetime | None]:
        """How many mailboxes the network had codes sent to since and proved none of, up to so many, and when the first
        of these was sent its last one.
        """

    def change_browser(self, browser_key: str, to: str) -> None: ...

    def add_code(self, code: MailboxCode) -> None: ...

    def newest_code(self, browser_key: str, purpose: Purpose, *, lock: bool = False) -> MailboxCode | None:
        """`lock` holds it until the transaction ends."""

    def save_code(self, code: MailboxCode) -> None: ...

    def proof(self, browser_key: str, purpose: Purpose, since: datetime) -> str | None:
        """The mailbox (sealed) this browser proved for this purpose since then, the newest one."""

    def forget_before(self, moment: datetime) -> None:
        """Delete the codes sent before then."""


class People(Protocol):
    def add(self, person_id: PersonId, name: str) -> None: ...


class Work(audit.Work, notices.Work, Protocol):
    @property
    def policy(self) -> PeoplePolicy: ...
    @property
    def mailboxes(self) -> Mailboxes: ...
    @property
    def people(self) -> People: ...


@dataclass(frozen=True, slots=True)
class RequestCode:
    """`browser` is the random value this browser's cookie carries."""

    browser: str
    purpose: Purpose
    mailbox: str
    language: str


@dataclass(frozen=True, slots=True)
class EnterCode:
    browser: str
    purpose: Purpose
    code: str


def browser_key(services: Services[Work], browser: str) -> str:
    return services.keys.index("browser", browser)


def mailbox_key(services: Services[Work], mailbox: str) -> str:
    return services.keys.index("mailbox", mailbox)


def network_key(services: Services[Work], actor: Actor) -> str | None:
    """What a stranger's network is counted under; None where he came from none."""
    network = network_of(actor.place) if actor.kind is ActorKind.APPLICANT else ""
    return services.keys.index("network", network) if network else None


def request_code(command: RequestCode, services: Services[Work], actor: Actor) -> CodeSent:
    """Mail a code. The answer is the same whether or not anything exists for the mailbox.

    Raises Invalid for something that is no mailbox, RateLimited with the seconds to wait.
    """
    mailbox = MAILBOX.checked(command.mailbox, "mailbox")
    key = mailbox_key(services, mailbox)
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
    browser = browser_key(services, command.browser)
    with services.begin(actor) as work:
        policy = work.policy
        work.mailboxes.lock_mailbox(key)
        counts = work.mailboxes.codes_since(key, work.now - A_DAY)
        own = [count for count in counts if count.browser_key == browser]
        again = max((count.last_at for count in counts), default=work.now - A_DAY) + policy.code_resend_after
        if work.now < again:
            raise RateLimited("code_resend_wait", seconds=until(again, work.now))
        if (
            sum(count.sent for count in own) >= policy.codes_per_browser_per_day
            or sum(count.sent for count in counts) >= policy.codes_per_mailbox_per_day
            or tries_used_up(counts, browser, policy)
        ):
            first = min(count.first_at for count in own or counts)
            raise RateLimited("codes_used_up", seconds=until(first + A_DAY, work.now), at=first + A_DAY)
        network = network_key(services, actor)
        if network is not None and not own:
            most = policy.unproved_mailboxes_per_network_per_hour
            unproved, oldest = work.mailboxes.unproved_since(network, work.now - AN_HOUR, most)
            if unproved >= most and oldest is not None:
                raise RateLimited("network_used_up", seconds=until(oldest + AN_HOUR, work.now), at=oldest + AN_HOUR)
        work.mailboxes.add_code(
            MailboxCode(
                id=services.ids.new(),
                browser_key=browser,
                purpose=command.purpose,
                mailbox_key=key,
                mailbox_sealed=services.keys.seal("mailbox", mailbox),
                code_key=code_key(services, browser, command.purpose, code),
                sent_at=work.now,
                expires_at=work.now + policy.code_lifetime,
                network=network,
            )
        )
        work.notices.send(
            MAILBOX_CODE,
            mailbox,
            command.language,
            {"code": code, "minutes": str(int(policy.code_lifetime.total_seconds() // 60))},
        )
    return CodeSent(policy.code_resend_after, policy.code_lifetime)


def until(moment: datetime, now: datetime) -> int:
    """The seconds till then, at least one."""
    return max(1, ceil((moment - now).total_seconds()))


def tries_used_up(counts: Sequence[CodeCount], browser: str, policy: PeoplePolicy) -> bool:
    """Whether this browser tried too often, or all of them together."""
    own = sum(count.tries for count in counts if count.browser_key == browser)
    everybodys = sum(count.tries for count in counts)
    return own >= policy.tries_per_browser_per_day or everybodys >= policy.tries_per_mailbox_per_day


def code_key(services: Services[Work], browser: str, purpose: Purpose, code: str) -> str:
    return services.keys.index("code", f"{browser}:{purpose.value}:{code}")


def enter_code(command: EnterCode, services: Services[Work], actor: Actor) -> None:
    """Prove the mailbox. A wrong try counts even though it is an error: Invalid or RateLimited.

    Codes: code_shape (which counts nothing), code_wrong (tries_left), code_expired, code_used_up.
    """
    browser = browser_key(services, command.browser)
    digits = CODE.checked(command.code, "code")
    with services.begin(actor) as work:
        policy = work.policy
        code = work.mailboxes.newest_code(browser, command.purpose, lock=True)
        if code is None:
            outcome, tries = CodeOutcome.EXPIRED, 0
        else:
            work.mailboxes.lock_mailbox(code.mailbox_key)
            if tries_used_up(work.mailboxes.codes_since(code.mailbox_key, work.now - A_DAY), browser, policy):
                outcome, tries = CodeOutcome.USED_UP, code.tries
            else:
                key = code_key(services, browser, command.purpose, digits)
                code, outcome = code.entered(key, now=work.now, policy=policy)
                work.mailboxes.save_code(code)
                tries = code.tries
    if outcome is CodeOutcome.WRONG:
        raise Invalid(fields={"code": "code_wrong"}, tries_left=policy.code_tries - tries)
    if outcome is CodeOutcome.EXPIRED:
        raise Invalid(fields={"code": "code_expired"})
    if outcome is CodeOutcome.USED_UP:
        raise Invalid(fields={"code": "code_used_up"})


def proved_mailbox(browser: str, purpose: Purpose, services: Services[Work], work: Work) -> str:
    """The mailbox this browser proved for this purpose. Raises NotFound("mailbox_not_verified")."""
    sealed = work.mailboxes.proof(
        browser_key(services, browser), purpose, work.now - work.policy.mailbox_proof_lifetime
    )
    if sealed is None:
        raise NotFound("mailbox_not_verified")
    return services.keys.open("mailbox", sealed)


def forget_old_codes(services: Services[Work], actor: Actor) -> None:
    """Delete codes no limit and no proof looks at any more; the scheduler's work."""
    with services.begin(actor) as work:
        work.mailboxes.forget_before(work.now - 2 * A_DAY)
