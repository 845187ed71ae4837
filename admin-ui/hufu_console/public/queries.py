"""What the public pages show besides what was typed: the mailbox, the applicant's own case, who decides it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hufu_console.web.context import reading, registry
from hufu_console.web.feature import Followed, composition
from hufu_registry.accounts.model import Account
from hufu_registry.agencies.model import Agency
from hufu_registry.cases import use_cases as cases
from hufu_registry.cases.consent import Consent
from hufu_registry.cases.engine.model import Case, CaseMove
from hufu_registry.cases.types.activation import ACTIVATION
from hufu_registry.kernel.errors import NotFound
from hufu_registry.kernel.ids import CaseId
from hufu_registry.people.model import Purpose
from hufu_registry.people.use_cases import browser_key, mailbox_key, proved_mailbox


@dataclass(frozen=True, slots=True)
class OwnCase:
    """`deciding_agency` is None where system managers decide."""

    case: Case
    agency: Agency
    deciding_agency: Agency | None
    account: Account | None

    @property
    def followed(self) -> Followed:
        """What its type has on the page that shows it."""
        return composition().followed.get(self.case.type, Followed())

    @property
    def change(self) -> str:
        """The endpoint where it can still be changed; empty for none."""
        return self.followed.change if CaseMove.CHANGE in self.case.moves() else ""


def proved(browser: str, purpose: Purpose) -> str:
    """Raises NotFound("mailbox_not_verified")."""
    with reading() as work:
        return proved_mailbox(browser, purpose, registry(), work)


def proved_for_either(browser: str) -> None:
    """For applying, or for changing what was applied for. Raises NotFound("mailbox_not_verified")."""
    try:
        proved(browser, Purpose.APPLY)
    except NotFound:
        proved(browser, Purpose.FOLLOW)


def asked_mailbox(browser: str, purpose: Purpose) -> str | None:
    """The mailbox this browser asked a code for last."""
    with reading() as work:
        code = work.mailboxes.newest_code(browser_key(registry(), browser), purpose)
    return None if code is None else registry().keys.open("mailbox", code.mailbox_sealed)


def consent_at(agency: Agency | None) -> Consent:
    """What an applicant of this agency is told and agrees to."""
    with reading() as work:
        policy = work.policy if agency is None else work.policy_at(agency)
        return ACTIVATION.consent.or_own(policy.privacy_notice)


def has_open_case(mailbox: str) -> bool:
    with reading() as work:
        return work.cases.has_open(mailbox_key(registry(), mailbox))


def sent_case(browser: str, form_key: str) -> CaseId | None:
    """The case that came of this form, once it was sent."""
    with reading() as work:
        return cases.sent_case(browser, form_key, registry(), work)


def own_case(browser: str, purpose: Purpose, case_id: CaseId | None = None) -> OwnCase | None:
    """The applicant's case (or this very one of his), who decides it, and the account that came of it."""
    with reading() as work:
        mailbox = proved_mailbox(browser, purpose, registry(), work)
        case = work.cases.newest_of_mailbox(mailbox_key(registry(), mailbox))
        if case_id is not None:
            case = work.cases.get(case_id)
        if case is None or case.mailbox != mailbox:
            return None
        decides = case.deciding_agency_id
        return OwnCase(
            case,
            work.agencies.get(case.agency_id),
            None if decides is None else work.agencies.get(decides),
            None if case.account_id is None else work.accounts.find(case.account_id),
        )


def wanted_case(browser: str) -> OwnCase:
    """The case the applicant follows. Raises NotFound("case") where there is none."""
    own = own_case(browser, Purpose.FOLLOW)
    if own is None:
        raise NotFound("case")
    return own


def accounts_of(browser: str) -> Sequence[Account]:
    """The accounts whose backup mailbox this browser proved, for a new activation mail."""
    with reading() as work:
        mailbox = proved_mailbox(browser, Purpose.RESEND, registry(), work)
        return work.accounts.by_mailbox(mailbox_key(registry(), mailbox))
